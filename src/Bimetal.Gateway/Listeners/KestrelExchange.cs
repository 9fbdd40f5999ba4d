// A stream of an HTTP/2 connection as Kestrel hands it over: its features turned into header maps and body pieces, and back.

using System.Buffers;
using System.IO.Pipelines;
using Bimetal.Gateway.Http1;
using Bimetal.Gateway.Listeners.Http2;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Routing;
using Bimetal.Gateway.Transport;
using Bimetal.Plugins.Streams;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Bimetal.Gateway.Listeners;

/// <summary>Used by the thread of its loop; what Kestrel calls on its own threads is posted there.</summary>
internal sealed class KestrelExchange : ClientExchange
{
    private readonly IFeatureCollection _features;
    private readonly IHttpRequestFeature _request;
    private readonly IHttpResponseFeature _response;
    private readonly IHttpResponseBodyFeature _responseBody;
    private readonly IHttpRequestLifetimeFeature _lifetime;
    private readonly IHttpExtendedConnectFeature? _connect;
    private readonly WebSocketKey? _webSocketKey;
    private ConnectedStream? _connected;
    private PipeReader? _reader;
    private SequencePosition? _consumed;
    private bool _isWriting;
    private CancellationTokenRegistration _gone;

    public KestrelExchange(IFeatureCollection features, EventLoop loop)
    {
        Loop = loop;
        _features = features;
        _request = features.GetRequiredFeature<IHttpRequestFeature>();
        _response = features.GetRequiredFeature<IHttpResponseFeature>();
        _responseBody = features.GetRequiredFeature<IHttpResponseBodyFeature>();
        _lifetime = features.GetRequiredFeature<IHttpRequestLifetimeFeature>();
        Arrival = features.GetRequiredFeature<ClientArrival>();
        _connect = features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect ? connect : null;
        if (string.Equals(_connect?.Protocol, "websocket", StringComparison.OrdinalIgnoreCase)) _webSocketKey = new WebSocketKey();
        HasBody = _connect is null && (features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? true);
    }

    public override EventLoop Loop { get; }

    public override ClientArrival Arrival { get; }

    /// <summary>Extended CONNECT is what an upgrade is in HTTP/1.1.</summary>
    public override string Method => _connect is null ? _request.Method : "GET";

    public override string Target => _request.RawTarget;

    public override string Authority => _request.Headers.Host.ToString();

    public override bool HasBody { get; }

    /// <summary>Kestrel answers it when the body is read.</summary>
    public override bool ExpectsContinue => false;

    public override ReadOnlyMemory<byte>? Upgrade => _connect?.Protocol is { } protocol ? FieldText.ValueBytes(protocol) : null;

    public override bool NeedsUpgrade => _connect is not null;

    public override int UpgradeStatus => 200;

    public override bool HasStarted => _response.HasStarted;

    public override long? Length => HasBody ? _request.Headers.ContentLength : 0;

    private PipeReader Reader => _reader ??= _features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;

    public override GatewayError? Refusal()
    {
        if (Target.Length > Limits.UriBytes) return ExchangeErrors.TargetTooLong;
        return RequestCheck.Refusal(_request, Method) is { } refusal ? ExchangeErrors.BadRequest(refusal) : null;
    }

    public override void CloseAfterwards()
    {
        // A request that cannot be passed on says nothing about the other streams of its connection.
    }

    public override void Watch(ExchangeClock? clock)
    {
        _gone.Dispose();
        _gone = default;
        if (clock is null) return;
        var watching = (Loop, clock);
        _gone = _lifetime.RequestAborted.UnsafeRegister(
            static state =>
            {
                var (loop, watched) = ((EventLoop Loop, ExchangeClock Clock))state!;
                loop.Post(static clock => ((ExchangeClock)clock!).ClientGone(), watched);
            },
            watching);
    }

    public override void Interrupt()
    {
        // Reads are given the clock's token; a write that waits for the client ends with its stream.
        if (_isWriting) _lifetime.Abort();
    }

    public override async ValueTask<BodyPiece> ReadAsync(CancellationToken cancellation)
    {
        if (_consumed is { } consumed) Reader.AdvanceTo(consumed);
        _consumed = null;
        var result = await Reader.ReadAsync(cancellation);
        if (result.IsCanceled) throw new OperationCanceledException();
        _consumed = result.Buffer.End;
        return new BodyPiece(result.Buffer, result.IsCompleted);
    }

    public override void CancelRead() => _reader?.CancelPendingRead();

    /// <summary>Fills in the pseudo-headers and the fields, without those that belong to the connection.</summary>
    /// <param name="target">In normal form.</param>
    /// <exception cref="GatewayException">A field has control characters in it.</exception>
    public override void ReadHeaders(HttpStream stream, string target)
    {
        var headers = stream.RequestHeaders;
        headers.Add(PseudoNames.Method, FieldText.ValueBytes(Method));
        headers.Add(PseudoNames.Path, FieldText.ValueBytes(target));
        headers.Add(PseudoNames.Authority, FieldText.ValueBytes(Authority));
        headers.Add(PseudoNames.Scheme, FieldText.ValueBytes(_request.Scheme));
        foreach (var (name, values) in _request.Headers)
        {
            if (FieldRules.IsHopByHop(name) || FieldRules.IsHostOrExpect(name)) continue;
            if (!FieldRules.IsName(name)) throw new GatewayException(ExchangeErrors.BadRequest("a field without a valid name"));
            if (name.Equals("cookie", StringComparison.OrdinalIgnoreCase)) AddField(headers, name, string.Join("; ", values.ToArray()));
            else foreach (string? value in values) AddField(headers, name, value ?? "");
        }

        _webSocketKey?.AddTo(headers);
        stream.Source = Source;
        stream.Destination = Arrival.Destination;
        stream.Protocol = _request.Protocol;
        Arrival.Tls?.AddTo(stream);
    }

    public override bool ReadTrailers(HeaderMap trailers)
    {
        if (_features.Get<IHttpRequestTrailersFeature>() is not { Available: true, Trailers.Count: > 0 } feature) return false;
        foreach (var (name, values) in feature.Trailers)
        {
            // What would say how the message is framed, and what no other version of HTTP could pass on, is dropped.
            if (FieldRules.IsWrittenByGateway(name) || !FieldRules.IsName(name)) continue;
            foreach (string? value in values)
            {
                if (!FieldRules.HasControls(value)) trailers.Add(FieldText.NameBytes(name), FieldText.ValueBytes(value ?? ""));
            }
        }

        return true;
    }

    public override GatewayError ReadFailure(Exception exception) => exception is BadHttpRequestException
        ? ExchangeErrors.BadRequestBody(exception.Message)
        : ExchangeErrors.ClientGone;

    public override void WriteHeaders(int status, HeaderMap headers, long? contentLength)
    {
        _response.StatusCode = status;
        var target = _response.Headers;
        for (int index = 0; index < headers.Count; index++)
        {
            var field = headers[index];
            if (HeaderRules.IsPseudo(field.Name.Span)) continue;
            string name = FieldText.Text(field.Name);
            if (FieldRules.IsWrittenByGateway(name)) continue;
            string value = FieldText.Text(field.Value);
            target[name] = target.TryGetValue(name, out var others) ? Microsoft.Extensions.Primitives.StringValues.Concat(others, value) : value;
        }

        target.ContentLength = contentLength;
    }

    public override TunnelEnd WriteUpgrade(HeaderMap headers, ReadOnlyMemory<byte> protocol)
    {
        _webSocketKey?.TakeFrom(headers);
        WriteHeaders(UpgradeStatus, headers, contentLength: null);
        return new TunnelEnd(_connected = new ConnectedStream(_connect!, _responseBody, _lifetime, Loop));
    }

    public override void ClearHeaders() => _response.Headers.Clear();

    public override async ValueTask WriteAsync(ReadOnlySequence<byte> data, bool isLast)
    {
        var writer = _responseBody.Writer;
        if (!HasStarted) await _responseBody.StartAsync(CancellationToken.None);
        foreach (var piece in data) writer.Write(piece.Span);
        if (!isLast) await FlushAsync();
    }

    public override async ValueTask FlushAsync()
    {
        _isWriting = true;
        try
        {
            var result = await _responseBody.Writer.FlushAsync(_lifetime.RequestAborted);
            if (result.IsCompleted || result.IsCanceled) throw new IOException("the client closed the stream");
        }
        finally
        {
            _isWriting = false;
        }
    }

    public override async ValueTask CompleteAsync(HeaderMap? trailers)
    {
        if (trailers?.Count > 0 && _features.Get<IHttpResponseTrailersFeature>() is { } feature)
        {
            for (int index = 0; index < trailers.Count; index++)
            {
                var (name, value) = trailers[index];
                if (FieldKinds.Of(name.Span) == FieldKind.Ordinary) feature.Trailers.Append(FieldText.Text(name), FieldText.Text(value));
            }
        }

        _isWriting = true;
        if (_connected is not null) await _connected.AcceptAsync();
        else await _responseBody.CompleteAsync();
        _isWriting = false;
    }

    public override void Abort() => _lifetime.Abort();

    private static void AddField(HeaderMap headers, string name, string value)
    {
        if (FieldRules.HasControls(value)) throw new GatewayException(ExchangeErrors.BadRequest("control characters in the field " + name));
        headers.Add(FieldText.NameBytes(name), FieldText.ValueBytes(value));
    }
}
