// One request of an HTTP/1.1 client and the answer to it, on the connection's buffers. One object per connection, used for one request
// after the other.

using System.Buffers;
using System.Text;
using Bimetal.Gateway.Http1;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Routing;
using Bimetal.Gateway.Transport;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Listeners;

internal sealed class Http1Exchange(Http1Connection connection) : ClientExchange
{
    private static readonly byte[] s_http = "http"u8.ToArray();
    private static readonly byte[] s_https = "https"u8.ToArray();

    private readonly RequestHead _head = connection.Head;
    private readonly MessageInput _input = connection.Input;
    private readonly MessageOutput _output = connection.Output;
    private GatewayError? _problem;
    private byte[] _hostBytes = [];
    private bool _isHostValid = true;
    private bool _isChunked;
    private bool _owesContinue;
    private long? _left;

    public override EventLoop Loop => connection.Channel.Loop;

    public override ClientArrival Arrival => connection.Arrival;

    public override string Method => _method;

    private string _method = "";

    public override string Target => _target;

    private string _target = "";

    public override string Authority => _authority;

    private string _authority = "";

    public override bool HasBody => _hasBody;

    private bool _hasBody;

    public override bool ExpectsContinue => _owesContinue;

    public override ReadOnlyMemory<byte>? Upgrade => !_hasBody && _head is { IsUpgrade: true, UpgradeIndex: >= 0, Minor: 1 } && _method == "GET" ? _head.ValueOf(_head.Fields[_head.UpgradeIndex]) : default(ReadOnlyMemory<byte>?);

    public override bool HasStarted => _hasStarted;

    private bool _hasStarted;

    public override long? Length => _hasBody ? _head.ContentLength : 0;

    /// <summary>The connection can take another request when this one is answered.</summary>
    public bool KeepsConnection { get; private set; }

    /// <summary>The client waits for a word that it never got, so it is not known what its next bytes are.</summary>
    public bool IsBodyInDoubt => _owesContinue;

    /// <summary>Begins the request whose head was just parsed.</summary>
    /// <param name="problem">Why there is none.</param>
    public void Begin(GatewayError? problem)
    {
        _problem = problem;
        _hasStarted = _isChunked = _owesContinue = _hasBody = false;
        _left = null;
        KeepsConnection = problem is null && !_head.Closes;
        if (problem is not null)
        {
            _method = _target = _authority = "";
            _input.BeginBody(BodyKind.None, 0);
            return;
        }

        _method = Methods.Of(_head.Method.Span);
        _target = Encoding.Latin1.GetString(_head.Target.Span);
        TakeHost(_head.Host.Span);
        _hasBody = _head.HasBody;
        _owesContinue = _hasBody && _head.ExpectsContinue && _head.Minor == 1;
        _input.BeginBody(!_hasBody ? BodyKind.None : _head.HasTransferEncoding ? BodyKind.Chunked : BodyKind.Length, _head.ContentLength ?? 0);
    }

    public override GatewayError? Refusal()
    {
        if (_problem is not null) return _problem;
        if (_head.Target.Length > Limits.UriBytes) return ExchangeErrors.TargetTooLong;
        if (!FieldRules.IsMethod(_method)) return ExchangeErrors.BadRequest("the method is a known one in other letters, or CONNECT");
        if (!_isHostValid) return ExchangeErrors.BadRequest("the host is not valid");
        if (_target[0] != '/' && !RequestTarget.IsForHost(_target, _authority)) return ExchangeErrors.BadRequest("the target names another host than the host field");
        return null;
    }

    public override void CloseAfterwards() => KeepsConnection = false;

    public override void ReadHeaders(HttpStream stream, string target)
    {
        var headers = stream.RequestHeaders;
        headers.Add(PseudoNames.Method, _head.Method);
        headers.Add(PseudoNames.Path, ReferenceEquals(target, _target) ? _head.Target : FieldText.ValueBytes(target));
        headers.Add(PseudoNames.Authority, _head.Host);
        headers.Add(PseudoNames.Scheme, connection.Tls is null ? s_http : s_https);
        foreach (ref readonly var field in _head.Fields)
        {
            if (field.Kind is FieldKind.Ordinary or FieldKind.ContentLength) headers.Add(_head.NameOf(field), _head.ValueOf(field));
        }

        stream.Source = Source;
        stream.Destination = Arrival.Destination;
        stream.Protocol = _head.Minor == 1 ? "HTTP/1.1" : "HTTP/1.0";
        connection.Tls?.AddTo(stream);
    }

    public override void Watch(ExchangeClock? clock) => connection.Clock = clock;

    public override void Interrupt()
    {
        _input.CancelRead();
        if (connection.Channel.IsWriting) connection.Channel.Abort();
    }

    public override ValueTask<BodyPiece> ReadAsync(CancellationToken cancellation)
    {
        if (!_owesContinue || _input.HasBuffered) return _input.ReadBodyAsync();
        return ContinueAndReadAsync();
    }

    public override void CancelRead() => _input.CancelRead();

    public override bool ReadTrailers(HeaderMap trailers) => _input.ReadTrailers(trailers);

    public override GatewayError ReadFailure(Exception exception) => exception switch
    {
        MessageFormatException format => ExchangeErrors.OfBody(format.Status, format.Message),
        _ => ExchangeErrors.ClientGone,
    };

    public override void WriteHeaders(int status, HeaderMap headers, long? contentLength)
    {
        _output.Add(StatusLines.Of(status));
        bool hasDate = false;
        for (int index = 0; index < headers.Count; index++)
        {
            var field = headers[index];
            var name = field.Name.Span;
            if (HeaderRules.IsPseudo(name) || FieldKinds.Of(name) != FieldKind.Ordinary) continue;
            hasDate |= name.Length == 4 && name.SequenceEqual("date"u8);
            _output.AddField(name, field.Value.Span);
        }

        if (!hasDate) _output.AddField("date"u8, DateField.Value);
        WriteFraming(status, contentLength);
        if (connection.IsDraining) KeepsConnection = false;
        if (!KeepsConnection) _output.Add("connection: close\r\n"u8);
        else if (_head.Minor == 0) _output.Add("connection: keep-alive\r\n"u8);
        _output.Add("\r\n"u8);
    }

    public override TunnelEnd WriteUpgrade(HeaderMap headers, ReadOnlyMemory<byte> protocol)
    {
        _hasStarted = true;
        KeepsConnection = false;
        _isChunked = false;
        _left = null;
        _output.Add("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n"u8);
        _output.AddField("upgrade"u8, protocol.Span);
        for (int index = 0; index < headers.Count; index++)
        {
            var (name, value) = headers[index];
            if (!HeaderRules.IsPseudo(name.Span) && FieldKinds.Of(name.Span) == FieldKind.Ordinary) _output.AddField(name.Span, value.Span);
        }

        _output.Add("\r\n"u8);
        return new TunnelEnd(connection.Channel, _input);
    }

    public override void ClearHeaders() => _output.Clear();

    public override ValueTask WriteAsync(ReadOnlySequence<byte> data, bool isLast)
    {
        _hasStarted = true;
        _left -= data.Length;
        if (_left < 0) throw new InvalidOperationException("The body is longer than its announced length.");
        return _output.WriteAsync(data, _isChunked, holdsBack: isLast);
    }

    public override ValueTask FlushAsync()
    {
        _hasStarted = true;
        return _output.FlushAsync();
    }

    public override ValueTask CompleteAsync(HeaderMap? trailers)
    {
        _hasStarted = true;
        if (_left > 0) throw new InvalidOperationException("The body is shorter than its announced length.");
        if (_isChunked) _output.AddLastChunk(_head.TakesTrailers ? trailers : null);
        return _output.FlushAsync();
    }

    public override void Abort()
    {
        KeepsConnection = false;
        connection.Channel.Abort();
    }

    private void WriteFraming(int status, long? contentLength)
    {
        bool isBodyless = status is 204 or 304 || _method == "HEAD";
        _isChunked = false;
        _left = isBodyless ? null : contentLength;
        if (contentLength is { } length) _output.AddNumberField("content-length"u8, length);
        else if (isBodyless) return;
        else if (_head.Minor == 1 && _problem is null) AddChunked();
        else KeepsConnection = false;
    }

    private void AddChunked()
    {
        _isChunked = true;
        _output.Add("transfer-encoding: chunked\r\n"u8);
    }

    private async ValueTask<BodyPiece> ContinueAndReadAsync()
    {
        _owesContinue = false;
        if (!_hasStarted) await connection.Channel.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray());
        return await _input.ReadBodyAsync();
    }

    // Most clients send the same host with every request of a connection.
    private void TakeHost(ReadOnlySpan<byte> host)
    {
        if (host.SequenceEqual(_hostBytes) && _authority.Length == host.Length) return;
        _hostBytes = host.ToArray();
        _authority = Encoding.Latin1.GetString(host);
        _isHostValid = HostPattern.IsAuthority(_authority);
    }

    /// <summary>Methods that need no new string.</summary>
    private static class Methods
    {
        public static string Of(ReadOnlySpan<byte> method) => method.Length switch
        {
            3 when method.SequenceEqual("GET"u8) => "GET",
            3 when method.SequenceEqual("PUT"u8) => "PUT",
            4 when method.SequenceEqual("POST"u8) => "POST",
            4 when method.SequenceEqual("HEAD"u8) => "HEAD",
            5 when method.SequenceEqual("PATCH"u8) => "PATCH",
            6 when method.SequenceEqual("DELETE"u8) => "DELETE",
            7 when method.SequenceEqual("OPTIONS"u8) => "OPTIONS",
            _ => Encoding.Latin1.GetString(method),
        };
    }
}
