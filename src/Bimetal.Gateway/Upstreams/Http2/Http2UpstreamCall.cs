// One request on an HTTP/2 connection to an upstream, and its response: a stream. Both directions move on their own; when one side gives up,
// the stream is reset and the connection goes on.

using System.Buffers;
using System.Buffers.Text;
using System.Runtime.ExceptionServices;
using Bimetal.Gateway.Http1;
using Bimetal.Gateway.Http2;
using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Upstreams.Http2;

/// <summary>Used by the thread of its connection's loop.</summary>
internal sealed class Http2UpstreamCall : UpstreamResponse
{
    private readonly Http2UpstreamConnection _connection;
    private readonly UpstreamRequest _request;
    private readonly UpstreamEndpoint _endpoint;
    private readonly CancellationToken _cancellation;
    private readonly int _stream;
    private readonly TaskCompletionSource _answered = new();
    private readonly ResponseInput _input;
    private CancellationTokenRegistration _abort;
    private List<HeaderField> _head = [];
    private Task? _sending;
    private TaskCompletionSource? _continue;
    private ExceptionDispatchInfo? _ownFailure;
    private bool _isSent;
    private bool _isEnded;
    private bool _isReset;
    private int _informational;

    public Http2UpstreamCall(Http2UpstreamConnection connection, UpstreamRequest request, UpstreamEndpoint endpoint, CancellationToken cancellation)
    {
        _connection = connection;
        _request = request;
        _endpoint = endpoint;
        _cancellation = cancellation;
        SendWindow = connection.NewStreamWindow();
        _stream = connection.Open(this);
        _input = new ResponseInput(connection, _stream);
    }

    public FlowWindow SendWindow { get; }

    /// <summary>A part of a response has come.</summary>
    public bool HasAnswer { get; private set; }

    /// <summary>The upstream has said that it did not look at the request.</summary>
    public bool IsUnprocessed { get; private set; }

    public override long? Length => _input.Length;

    /// <summary>Sends the request; returns when the headers of the response have come.</summary>
    public async Task<UpstreamResponse> RunAsync()
    {
        _abort = _cancellation.UnsafeRegister(static call => ((Http2UpstreamCall)call!).OnCancelled(), this);
        try
        {
            if (_request.SendBody is null) _isSent = true;
            else if (_request.ExpectsContinue) _continue = new TaskCompletionSource();
            AddHeaders(RequestFields(), isEnd: _isSent);
            await _connection.Output.FlushAsync();
            if (_isSent) _request.OnSent();
            else _sending = SendBodyAsync();
            await _answered.Task;
            return this;
        }
        catch (Exception exception)
        {
            await StopAsync();
            _ownFailure?.Throw();
            _cancellation.ThrowIfCancellationRequested();
            throw exception as GatewayException ?? Failure(exception);
        }
    }

    public override void ReadHeaders(HeaderMap headers)
    {
        foreach (var field in _head)
        {
            if (HeaderField.NameEquals(field.Name.Span, PseudoNames.Status) || FieldKinds.Of(field.Name.Span) is FieldKind.Ordinary or FieldKind.ContentLength) headers.Add(field.Name, field.Value);
        }
    }

    public override ValueTask<BodyPiece> ReadAsync(CancellationToken cancellation) => _input.ReadAsync();

    public override void CancelRead() => _input.CancelRead();

    public override bool ReadTrailers(HeaderMap trailers) => _input.ReadTrailers(trailers);

    public override async ValueTask StopSendingAsync()
    {
        if (_sending is null || _isSent) return;
        _isEnded = true;
        WakeSender();
        await _sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    public override void Dispose()
    {
        _abort.Dispose();
        _isEnded = true;
        if (!_isSent || !_input.IsOver) Reset(Http2Error.Cancel);
        _input.Drop();
        _connection.Forget(_stream);
    }

    public void OnHeaders(List<HeaderField> fields, bool isEnd)
    {
        if (_isReset) return;
        HasAnswer = true;
        bool isTrailer = _answered.Task.IsCompleted;
        foreach (var field in fields)
        {
            if (HpackDecoder.Problem(field, isTrailer) is not { } problem) continue;
            Refuse(problem);
            return;
        }

        if (isTrailer)
        {
            if (isEnd) _input.End(fields);
            else Refuse("trailers that are not the end");
            return;
        }

        if (!TryStatus(fields, out int status)) Refuse("no status that is known");
        else if (status >= 200) Answer(fields, status, isEnd);
        else if (isEnd || status == 101 || ++_informational > GatewayLimits.InformationalResponses) Refuse("an informational response that cannot be");
        else if (status == 100) _continue?.TrySetResult();
    }

    public void OnData(ReadOnlySpan<byte> data, int padding, bool isEnd)
    {
        if (_isReset || !TryTake(data))
        {
            // Nobody will read it, and the connection's window is everybody's.
            _connection.Credit(_stream, data.Length + padding, 0);
            return;
        }

        if (padding > 0) _connection.Credit(_stream, padding, padding);
        if (isEnd) _input.End([]);
    }

    public void OnReset(Http2Error error)
    {
        // With NO_ERROR, after the whole response, the upstream only wants no more of the request (RFC 9113, section 8.1).
        _isReset = true;
        IsUnprocessed = error == Http2Error.RefusedStream;
        if (_input.IsOver && error == Http2Error.None) WakeSender();
        else GiveUp(new IOException($"the upstream reset the stream ({error})"));
    }

    /// <summary>The connection is at its end, for this call at least.</summary>
    public void Fail(Exception reason, bool isUnsent)
    {
        _isReset = true;
        IsUnprocessed |= isUnsent;
        GiveUp(reason);
    }

    private bool TryTake(ReadOnlySpan<byte> data)
    {
        string? problem = _answered.Task.IsCompleted ? _input.Add(data) : "a body before its headers";
        if (problem is not null) Refuse(problem);
        return problem is null;
    }

    private void Answer(List<HeaderField> fields, int status, bool isEnd)
    {
        _connection.IsProven = true;
        _head = fields;
        bool isHead = Pseudo(PseudoNames.Method).SequenceEqual("HEAD"u8);
        if (_input.Begin(fields, hasNoBody: isEnd || isHead || status is 204 or 304) is { } problem)
        {
            Refuse(problem);
            return;
        }

        if (isEnd) _input.End([]);
        if (_continue is { Task.IsCompleted: false })
        {
            // An answer instead of the body: that is never sent.
            _isEnded = true;
            _continue.TrySetResult();
        }

        _answered.TrySetResult();
    }

    private void Refuse(string problem)
    {
        Reset(Http2Error.Protocol);
        GiveUp(new MessageFormatException(502, problem));
    }

    // Timers cancel on threads of their own.
    private void OnCancelled()
    {
        if (_connection.Loop.IsCurrent) GiveUp(new OperationCanceledException());
        else _connection.Loop.Post(static call => ((Http2UpstreamCall)call!).GiveUp(new OperationCanceledException()), this);
    }

    private void GiveUp(Exception reason)
    {
        if (reason is OperationCanceledException)
        {
            Reset(Http2Error.Cancel);
            if (!HasAnswer) _connection.NoteUnanswered();
        }

        _isEnded = true;
        _answered.TrySetException(reason);
        _input.Fail(reason);
        WakeSender();
    }

    private void Reset(Http2Error error)
    {
        if (_isReset) return;
        _isReset = true;
        _connection.Reset(_stream, error);
        _ = _connection.Output.FlushAsync().ContinueWith(static task => task.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private void WakeSender()
    {
        _continue?.TrySetResult();
        SendWindow.Wake();
        _connection.SendWindow.Wake();
    }

    private async Task StopAsync()
    {
        _abort.Dispose();
        _isEnded = true;
        Reset(Http2Error.Cancel);
        WakeSender();
        if (_sending is not null) await _sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        _input.Drop();
        _connection.Forget(_stream);
    }

    private ArrayBufferWriter<byte> RequestFields()
    {
        var fields = _request.Stream.RequestHeaders;
        var block = new ArrayBufferWriter<byte>(1024);
        var authority = Pseudo(PseudoNames.Authority);
        HpackEncoder.Add(block, PseudoNames.Method, Pseudo(PseudoNames.Method));
        HpackEncoder.Add(block, PseudoNames.Scheme, _endpoint.Address.Scheme == Uri.UriSchemeHttps ? "https"u8 : "http"u8);
        HpackEncoder.Add(block, PseudoNames.Path, Pseudo(PseudoNames.Path));
        HpackEncoder.Add(block, PseudoNames.Authority, authority.IsEmpty ? FieldText.ValueBytes(_endpoint.Authority).Span : authority);
        for (int index = 0; index < fields.Count; index++)
        {
            var (name, value) = fields[index];
            if (!HeaderRules.IsPseudo(name.Span) && FieldKinds.Of(name.Span) == FieldKind.Ordinary) HpackEncoder.Add(block, name.Span, value.Span);
        }

        // gRPC's servers ask for it; we take trailers whoever the client is.
        HpackEncoder.Add(block, "te"u8, "trailers"u8);
        if (_request.SendBody is not null && _request.BodyLength is { } length) AddLength(block, length);
        if (_request.ExpectsContinue) HpackEncoder.Add(block, "expect"u8, "100-continue"u8);
        return block;
    }

    private static void AddLength(ArrayBufferWriter<byte> block, long length)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(length, digits, out int count);
        HpackEncoder.Add(block, "content-length"u8, digits[..count]);
    }

    // In one frame if it fits, otherwise continued; nothing comes in between.
    private void AddHeaders(ArrayBufferWriter<byte> block, bool isEnd)
    {
        var rest = block.WrittenSpan;
        var type = FrameType.Headers;
        do
        {
            var fragment = rest[..Math.Min(rest.Length, _connection.MaximumFrameBytes)];
            rest = rest[fragment.Length..];
            byte flags = (byte)((rest.IsEmpty ? FrameHead.EndHeaders : 0) | (isEnd && type == FrameType.Headers ? FrameHead.EndStream : 0));
            _connection.Output.Add(type, flags, _stream, fragment);
            type = FrameType.Continuation;
        }
        while (!rest.IsEmpty);
    }

    private async Task SendBodyAsync()
    {
        try
        {
            if (_continue is not null) await Task.WhenAny(_continue.Task, Task.Delay(GatewayLimits.ContinueWait, CancellationToken.None));
            if (_isEnded) return;
            await _request.SendBody!(WriteAsync, _cancellation);
            if (_isEnded) return;
            await SendEndAsync();
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
            GiveUp(exception);
            Reset(Http2Error.Cancel);
        }
    }

    private Task SendEndAsync()
    {
        var trailers = _request.Stream.RequestTrailers;
        var block = new ArrayBufferWriter<byte>();
        for (int index = 0; index < trailers.Count; index++)
        {
            var (name, value) = trailers[index];
            if (HeaderRules.IsName(name.Span) && FieldKinds.Of(name.Span) == FieldKind.Ordinary && HeaderRules.IsValue(value.Span)) HpackEncoder.Add(block, name.Span, value.Span);
        }

        if (block.WrittenCount > 0) AddHeaders(block, isEnd: true);
        else _connection.Output.Add(FrameType.Data, FrameHead.EndStream, _stream, []);
        return _connection.Output.FlushAsync();
    }

    private async ValueTask WriteAsync(ReadOnlySequence<byte> piece, CancellationToken cancellation)
    {
        foreach (var segment in piece)
        {
            for (var rest = segment; !rest.IsEmpty;)
            {
                int count = await WindowAsync(rest.Length);
                _connection.TakeWindow(SendWindow, count);
                _connection.Output.Add(FrameType.Data, 0, _stream, rest.Span[..count]);
                rest = rest[count..];
                try
                {
                    await _connection.Output.FlushAsync();
                }
                catch (IOException)
                {
                    throw new UpstreamWriteException();
                }
            }
        }
    }

    /// <summary>Waits until something may be sent.</summary>
    private async ValueTask<int> WindowAsync(int wanted)
    {
        while (true)
        {
            if (_isEnded || _isReset || _connection.IsBroken) throw new UpstreamWriteException();
            long open = Math.Min(SendWindow.Size, _connection.SendWindow.Size);
            if (open > 0) return (int)Math.Min(Math.Min(open, wanted), _connection.MaximumFrameBytes);
            await (SendWindow.Size <= 0 ? SendWindow.Opened : _connection.SendWindow.Opened);
        }
    }

    private GatewayException Failure(Exception exception)
    {
        var cause = exception is MessageFormatException ? ErrorCause.Malformed : ErrorCause.Aborted;
        var phase = HasAnswer ? ErrorPhase.ResponseHeaders : ErrorPhase.UpstreamRequest;
        return new GatewayException(new GatewayError(phase, ErrorSide.Upstream, cause, Retryable: IsUnprocessed, $"{_endpoint.Authority}: {exception.Message}"), exception);
    }

    private ReadOnlySpan<byte> Pseudo(byte[] name) => _request.Stream.RequestHeaders.TryGet(name, out var value) ? value.Span : default;

    // Three digits, once, before all other fields.
    private static bool TryStatus(List<HeaderField> fields, out int status)
    {
        status = 0;
        if (fields.Count == 0 || !HeaderField.NameEquals(fields[0].Name.Span, PseudoNames.Status) || fields.Skip(1).Any(field => HeaderRules.IsPseudo(field.Name.Span))) return false;
        var digits = fields[0].Value.Span;
        return digits.Length == 3 && digits[0] is >= (byte)'1' and <= (byte)'5' && Utf8Parser.TryParse(digits, out status, out int used) && used == 3;
    }

    /// <summary>Ends the sending of a body; never leaves this class and the sender.</summary>
    private sealed class UpstreamWriteException : Exception;
}
