// The way of a response, the upstream's or a local one: through the chain in reverse, then to the client.

using System.Buffers;
using System.Buffers.Text;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Pipeline;

internal sealed class ResponseLeg
{
    private readonly ExchangeContext _context;
    private readonly MessageBody? _body;
    private readonly MessageFlow _flow;
    private readonly MessagePump _pump;
    private readonly TunnelEnd? _upgrade;
    private bool _dropsBody;

    /// <param name="context">Its response headers are filled in.</param>
    /// <param name="body">Null: the response ends with its headers.</param>
    /// <param name="upgrade">The upstream's end, when it agreed to another protocol.</param>
    public ResponseLeg(ExchangeContext context, MessageBody? body, TunnelEnd? upgrade = null)
    {
        _upgrade = upgrade;
        _context = context;
        _body = body;
        (_flow, _pump) = context.BeginResponse(body);
    }

    /// <summary>What follows the response, once that is flushed; null: nothing.</summary>
    public Tunnel? Tunnel { get; private set; }

    /// <summary>Status that was written, or 0.</summary>
    public int Status { get; private set; }

    public long BytesWritten { get; private set; }

    /// <summary>Null when everything but the end of the response is written; otherwise a filter wants another answer, and none was sent.</summary>
    /// <exception cref="GatewayException">The body broke off, or the client.</exception>
    public async Task<FlowStop?> RunAsync()
    {
        _flow.PushHeaders(endOfStream: _body is null);
        while (!_flow.AreHeadersOut && _flow.Stop is null) await StepAsync();

        // A local answer is there as a whole: show it to the filters now, and its length is known.
        if (_body is LocalBody && !_flow.IsEndOut && _flow.Stop is null && _flow.Output.IsEmpty) await StepAsync();
        if (_flow.Stop is not null) return _flow.Stop;
        WriteHead();
        while (true)
        {
            await WriteOutputAsync();
            if (_flow.IsEndOut) return null;
            if (_flow.Stop is { } stop)
            {
                if (_context.Client.HasStarted) throw new GatewayException(stop.Error ?? Broken(stop));
                _context.Client.ClearHeaders();
                return stop;
            }

            await StepOrFlushAsync();
        }
    }

    public ValueTask StopReadingAsync() => _pump.StopAsync();

    private async ValueTask StepAsync()
    {
        await _pump.StepAsync();
        _context.Stream.ResponseBodyBytes = _pump.BytesRead;
    }

    // While the upstream lets us wait for the first byte, the client shall have the headers: event streams begin like that.
    private async ValueTask StepOrFlushAsync()
    {
        var step = StepAsync();
        if (!step.IsCompleted && !_context.Client.HasStarted)
        {
            var reading = step.AsTask();
            try
            {
                // The read that is under way has the clock; a few header bytes cannot get stuck.
                await _context.Client.FlushAsync();
            }
            catch
            {
                await reading.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
                throw;
            }

            await reading;
            return;
        }

        await step;
    }

    private void WriteHead()
    {
        var headers = _context.Stream.ResponseHeaders;
        _context.Observation?.WriteServerTiming(headers);
        if (!headers.TryGet(PseudoNames.Status, out var text) || !Utf8Parser.TryParse(text.Span, out int status, out int used) || used != text.Length || (status is < 200 or > 599 && (status != 101 || _upgrade is null)))
            throw new GatewayException(new GatewayError(ErrorPhase.ResponseHeaders, ErrorSide.Upstream, ErrorCause.Malformed, Retryable: false, "the response has no status that can be passed on"));
        CheckValues(headers);
        if (_context.Client.NeedsUpgrade && status is >= 200 and <= 299)
            throw new GatewayException(new GatewayError(ErrorPhase.ResponseHeaders, ErrorSide.Upstream, ErrorCause.Malformed, Retryable: false, "an answer of success that does not agree to the other protocol"));
        if (status == 101)
        {
            Status = _context.Client.UpgradeStatus;
            _dropsBody = true;
            Tunnel = new Tunnel(_context.Client.WriteUpgrade(headers, _context.Upgrade!.Value), _upgrade!, _context.Clock, _context.Idle);
            return;
        }

        bool isHead = _context.Client.Method == "HEAD";
        _dropsBody = isHead || status is 204 or 205 or 304;
        Status = status;
        long? length = isHead || status == 304 ? AnnouncedLength(headers) : BodyLength(status);
        _context.Client.WriteHeaders(status, headers, length);
    }

    private long? BodyLength(int status)
    {
        if (_dropsBody) return status == 205 ? 0 : null;
        return _flow.IsEndOut ? _flow.Output.Length : _flow.MayChangeBody ? null : _body?.Length;
    }

    // Responses that only describe a body: its length is the one that the upstream announced, or that of a local answer's.
    private long? AnnouncedLength(HeaderMap headers)
    {
        if (_flow.IsEndOut && !_flow.Output.IsEmpty) return _flow.Output.Length;
        return headers.TryGet("content-length"u8, out var text) && Utf8Parser.TryParse(text.Span, out long length, out int used) && used == text.Length && length >= 0 ? length : null;
    }

    private static void CheckValues(HeaderMap headers)
    {
        for (int index = 0; index < headers.Count; index++)
        {
            if (HeaderRules.IsValue(headers[index].Value.Span)) continue;
            throw new GatewayException(new GatewayError(
                ErrorPhase.ResponseHeaders, ErrorSide.Upstream, ErrorCause.Malformed, Retryable: false, $"control characters in the response field {FieldText.Text(headers[index].Name)}"));
        }
    }

    private async ValueTask WriteOutputAsync()
    {
        if (_flow.Output.IsEmpty || _dropsBody) return;
        var clock = _context.Clock;
        clock.Expect(isRequest: false, _context.Idle, ExchangeErrors.ResponseWriteTimeout);
        BytesWritten += _flow.Output.Length;
        try
        {
            await _context.Client.WriteAsync(_flow.Output, isLast: _flow.IsEndOut);
        }
        catch (Exception exception) when (exception is not GatewayException)
        {
            throw new GatewayException(clock.Reason ?? ExchangeErrors.ClientGone, exception);
        }

        clock.Rest(isRequest: false);
    }

    private static GatewayError Broken(FlowStop stop) => new(
        ErrorPhase.ResponseBody, ErrorSide.Plugin, ErrorCause.Aborted, Retryable: false, $"{stop.By}: broke the response off after its headers were sent");
}
