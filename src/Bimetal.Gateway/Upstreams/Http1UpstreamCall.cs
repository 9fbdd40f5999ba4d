// One request on one upstream connection, and its response: the head goes out with the first body bytes, the body follows while the response is
// read already. When the exchange is over, the connection goes back to its pool if both messages are complete, and is closed otherwise.

using System.Buffers;
using System.Runtime.ExceptionServices;
using Bimetal.Gateway.Http1;
using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Transport;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Upstreams;

internal sealed class Http1UpstreamCall : UpstreamResponse
{
    private readonly UpstreamConnection _connection;
    private readonly ConnectionPool _pool;
    private readonly UpstreamRequest _request;
    private readonly string _authority;
    private readonly CancellationToken _cancellation;
    private CancellationTokenRegistration _abort;
    private Task? _sending;
    private Task _headFlush = Task.CompletedTask;
    private TaskCompletionSource? _continue;
    private ExceptionDispatchInfo? _ownFailure;
    private bool _isSent;
    private bool _isEnded;
    private bool _isChunked;
    private bool _isUpgraded;

    public Http1UpstreamCall(UpstreamConnection connection, ConnectionPool pool, UpstreamRequest request, string authority, CancellationToken cancellation)
    {
        _connection = connection;
        _pool = pool;
        _request = request;
        _authority = authority;
        _cancellation = cancellation;
    }

    /// <summary>A byte of a response has come.</summary>
    public bool HasAnswer { get; private set; }

    public override long? Length => _connection.Input.Kind switch
    {
        BodyKind.None => 0,
        BodyKind.Length => _connection.Head.ContentLength,
        _ => null,
    };

    public override TunnelEnd? Tunnel => _isUpgraded ? new TunnelEnd(_connection.Channel, _connection.Input) : null;

    /// <summary>Sends the request; returns when the head of the response has come.</summary>
    public async LoopTask<UpstreamResponse> RunAsync()
    {
        _abort = _cancellation.UnsafeRegister(static connection => OnCancelled(((UpstreamConnection)connection!).Channel), _connection);
        try
        {
            WriteHead();
            if (_request.SendBody is null) await SendHeadAloneAsync();
            else StartSending();
            await ReadHeadAsync();
            return this;
        }
        catch (Exception exception)
        {
            await FailAsync();
            _ownFailure?.Throw();
            _cancellation.ThrowIfCancellationRequested();
            throw exception as GatewayException ?? Failure(exception);
        }
    }

    public override void ReadHeaders(HeaderMap headers)
    {
        var head = _connection.Head;
        headers.Add(PseudoNames.Status, head.StatusText);
        foreach (ref readonly var field in head.Fields)
        {
            if (field.Kind == FieldKind.Ordinary || (field.Kind == FieldKind.ContentLength && !head.HasTransferEncoding)) headers.Add(head.NameOf(field), head.ValueOf(field));
        }
    }

    public override ValueTask<BodyPiece> ReadAsync(CancellationToken cancellation) => _connection.Input.ReadBodyAsync();

    public override void CancelRead() => _connection.Input.CancelRead();

    public override bool ReadTrailers(HeaderMap trailers) => _connection.Input.ReadTrailers(trailers);

    public override async ValueTask StopSendingAsync()
    {
        if (_sending is null || _isSent) return;
        _isEnded = true;
        _connection.Channel.Close();
        _continue?.TrySetResult();
        await _sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    public override void Dispose()
    {
        _abort.Dispose();
        var input = _connection.Input;
        if (_isUpgraded || !_isSent || !input.IsBodyOver || input.HasBuffered || input.Kind == BodyKind.UntilClose || _connection.Head.Closes || _connection.Head.HasBothLengths)
        {
            _connection.Close();
            return;
        }

        input.ReleaseIdle();
        _connection.Output.Dispose();
        _pool.Keep(_connection);
    }

    // Timers cancel on threads of their own.
    private static void OnCancelled(Channel channel)
    {
        if (channel.Loop.IsCurrent) channel.Close();
        else channel.Loop.Post(static closing => ((Channel)closing!).Close(), channel);
    }

    private void WriteHead()
    {
        var output = _connection.Output;
        var fields = _request.Stream.RequestHeaders;
        output.Add(Pseudo(fields, PseudoNames.Method));
        output.Add(" "u8);
        output.Add(Pseudo(fields, PseudoNames.Path));
        output.Add(" HTTP/1.1\r\n"u8);
        var authority = Pseudo(fields, PseudoNames.Authority);
        output.AddField("host"u8, authority.IsEmpty ? FieldText.ValueBytes(_authority).Span : authority);
        for (int index = 0; index < fields.Count; index++)
        {
            var (name, value) = fields[index];
            if (!HeaderRules.IsPseudo(name.Span) && FieldKinds.Of(name.Span) == FieldKind.Ordinary) output.AddField(name.Span, value.Span);
        }

        if (_request.Upgrade is { } protocol)
        {
            output.Add("connection: upgrade\r\n"u8);
            output.AddField("upgrade"u8, protocol.Span);
        }

        WriteFraming(output, fields);
        output.Add("\r\n"u8);
    }

    // A request that has no body says so only where a body would be expected (RFC 9110, section 8.6).
    private void WriteFraming(MessageOutput output, HeaderMap fields)
    {
        if (_request.SendBody is null)
        {
            var method = Pseudo(fields, PseudoNames.Method);
            if (method.SequenceEqual("POST"u8) || method.SequenceEqual("PUT"u8) || method.SequenceEqual("PATCH"u8) || fields.IndexOf("content-length"u8) >= 0) output.Add("content-length: 0\r\n"u8);
            return;
        }

        if (_request.BodyLength is { } length)
        {
            output.AddNumberField("content-length"u8, length);
        }
        else
        {
            _isChunked = true;
            output.Add("transfer-encoding: chunked\r\n"u8);
        }

        if (_request.ExpectsContinue) output.Add("expect: 100-continue\r\n"u8);
    }

    private ValueTask SendHeadAloneAsync()
    {
        _isSent = true;
        _request.OnSent();
        return _connection.Output.FlushAsync();
    }

    private void StartSending()
    {
        if (_request.ExpectsContinue) _continue = new TaskCompletionSource();
        _sending = SendBodyAsync();

        // The body lets us wait: the head goes out without it.
        if (!_connection.Output.IsEmpty) _headFlush = _connection.Output.FlushAsync().AsTask();
    }

    private async Task SendBodyAsync()
    {
        try
        {
            if (_continue is not null) await WaitForContinueAsync(_continue.Task);
            await _request.SendBody!(WriteAsync, _cancellation);
            if (_isChunked)
            {
                _connection.Output.AddLastChunk(_request.Stream.RequestTrailers);
                await _headFlush;
                await _connection.Output.FlushAsync();
            }

            _isSent = true;
            _request.OnSent();
        }
        catch (UpstreamWriteException)
        {
            // The upstream takes no more. It may have answered already: the response decides.
        }
        catch (Exception exception)
        {
            _ownFailure = ExceptionDispatchInfo.Capture(exception);
            _connection.Channel.Close();
        }
    }

    private async ValueTask WriteAsync(ReadOnlySequence<byte> piece, CancellationToken cancellation)
    {
        if (_isEnded) throw new UpstreamWriteException();
        try
        {
            await _headFlush;
            await _connection.Output.WriteAsync(piece, _isChunked, holdsBack: false);
        }
        catch (IOException)
        {
            throw new UpstreamWriteException();
        }
    }

    // An upstream that says nothing gets the body after a while (RFC 9110, section 10.1.1).
    private async Task WaitForContinueAsync(Task continued)
    {
        await Task.WhenAny(continued, Task.Delay(GatewayLimits.ContinueWait, CancellationToken.None));
        if (_isEnded) throw new UpstreamWriteException();
    }

    private async LoopTask ReadHeadAsync()
    {
        var input = _connection.Input;
        for (int informational = 0; informational <= GatewayLimits.InformationalResponses; informational++)
        {
            var bytes = await input.ReadHeadAsync(GatewayLimits.ResponseHeadersBytes);
            if (bytes.IsEmpty) throw new IOException("the upstream closed the connection without an answer");
            HasAnswer = true;
            if (_connection.Head.Parse(bytes, GatewayLimits.ResponseHeaderCount) is { } problem) throw new MessageFormatException(502, problem.Detail);
            if (_connection.Head.Status == 100) _continue?.TrySetResult();
            if (_connection.Head.Status == 101) CheckUpgrade(_connection.Head);
            if (_isUpgraded || _connection.Head.Status >= 200)
            {
                BeginBody(input);
                return;
            }
        }

        throw new MessageFormatException(502, "too many informational responses");
    }

    // The protocol that was asked for, and no other.
    private void CheckUpgrade(ResponseHead head)
    {
        bool isAgreed = _request.Upgrade is { } asked && head.IsUpgrade && head.UpgradeIndex >= 0 && System.Text.Ascii.EqualsIgnoreCase(head.ValueOf(head.Fields[head.UpgradeIndex]).Span, asked.Span);
        if (!isAgreed) throw new MessageFormatException(502, "another protocol that nobody asked for");
        _isUpgraded = true;
    }

    // RFC 9112, section 6.3.
    private void BeginBody(MessageInput input)
    {
        var head = _connection.Head;
        bool isHead = Pseudo(_request.Stream.RequestHeaders, PseudoNames.Method).SequenceEqual("HEAD"u8);
        if (isHead || _isUpgraded || head.Status is 204 or 304) input.BeginBody(BodyKind.None, 0);
        else if (head.HasTransferEncoding) input.BeginBody(BodyKind.Chunked, 0);
        else if (head.ContentLength is { } length) input.BeginBody(BodyKind.Length, length);
        else input.BeginBody(BodyKind.UntilClose, 0);
        if (_continue is null || _continue.Task.IsCompleted) return;

        // An answer instead of the body: that is never sent.
        _isEnded = true;
        _continue.TrySetResult();
    }

    private async ValueTask FailAsync()
    {
        _abort.Dispose();
        _isEnded = true;
        _connection.Close();
        _continue?.TrySetResult();
        if (_sending is not null) await _sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    private GatewayException Failure(Exception exception)
    {
        var cause = exception is MessageFormatException ? ErrorCause.Malformed : ErrorCause.Aborted;
        var phase = HasAnswer ? ErrorPhase.ResponseHeaders : ErrorPhase.UpstreamRequest;
        return new GatewayException(new GatewayError(phase, ErrorSide.Upstream, cause, Retryable: false, $"{_authority}: {exception.Message}"), exception);
    }

    private static ReadOnlySpan<byte> Pseudo(HeaderMap fields, byte[] name) => fields.TryGet(name, out var value) ? value.Span : default;

    /// <summary>The upstream cannot be written to; never leaves this class and the sender of the body.</summary>
    private sealed class UpstreamWriteException : Exception;
}
