// The way of a request: through the chain, then to the upstream. Nothing is sent before the last filter let the headers go.

using System.Buffers;
using System.Text;
using Bimetal.Gateway.Listeners;
using Bimetal.Gateway.Routing;
using Bimetal.Gateway.Transport;
using Bimetal.Gateway.Upstreams;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Pipeline;

internal sealed class RequestLeg
{
    private readonly ExchangeContext _context;
    private readonly MessageFlow _flow;
    private readonly MessagePump _pump;
    private bool _hasResponse;
    private bool _isStopped;
    private FlowStop? _answer;
    private RequestReplay? _replay;
    private bool _isOutputSent;

    public RequestLeg(ExchangeContext context)
    {
        _context = context;
        (_flow, _pump) = context.BeginRequest();
    }

    /// <summary>Set when a filter, or the route itself, answers instead of an upstream.</summary>
    public FlowStop? Stop => _flow.Stop ?? _answer;

    public long BodyBytes => _pump.BytesRead;

    /// <summary>The upstream's response, or null when <see cref="Stop"/> says why there is none.</summary>
    public async LoopTask<UpstreamResponse?> RunAsync()
    {
        _flow.PushHeaders(endOfStream: !_context.Client.HasBody);
        while (!_flow.AreHeadersOut && _flow.Stop is null) await StepAsync();
        if (_flow.Stop is not null) return null;
        if (_context.Route.Answer is { } answer)
        {
            _answer = new FlowStop("route", answer.Make(_context.Target, _context.Client.Authority), null);
            return null;
        }

        CheckTarget(_context.Stream.RequestHeaders);
        var upstream = _context.Route.Upstream!;
        _replay = new RequestReplay(IsIdempotent(_context.Stream.RequestHeaders), upstream.Config.Retries.Attempts > 0 && !_context.Memory.IsFull ? upstream.Config.Retries.BufferBytes : 0, keepsAlways: upstream.Config.Http2);
        _context.Call = new UpstreamCall(_context, upstream, _replay);
        try
        {
            _context.Observation?.Sent();
            var response = await _context.Call.SendAsync(UpstreamRequest());
            _context.Observation?.Answered();
            _hasResponse = true;
            return response;
        }
        catch (FlowStoppedException)
        {
            return null;
        }
        catch (OperationCanceledException exception)
        {
            throw new GatewayException(_context.Clock.Reason ?? ExchangeErrors.ClientGone, exception);
        }
    }

    /// <summary>Ends reading from the client.</summary>
    public ValueTask StopReadingAsync()
    {
        _isStopped = true;
        return _pump.StopAsync();
    }

    private async ValueTask StepAsync()
    {
        await _pump.StepAsync();
        _isOutputSent = false;
        _context.Stream.RequestBodyBytes = _pump.BytesRead;
        if (_pump.BytesRead > _context.BodyLimit) throw new GatewayException(ExchangeErrors.RequestBodyTooLarge(_context.BodyLimit));
    }

    private UpstreamRequest UpstreamRequest()
    {
        bool hasBody = !_flow.IsEndOut || !_flow.Output.IsEmpty;
        long? length = _flow.IsEndOut ? _flow.Output.Length : _flow.MayChangeBody ? null : _context.Client.Length;
        return new UpstreamRequest(_context.Stream, hasBody ? SendBodyAsync : null, length, OnSent)
        {
            Upgrade = _context.Upgrade,
            ExpectsContinue = hasBody && _context.Client.ExpectsContinue && _pump.BytesRead == 0,
        };
    }

    private void OnSent()
    {
        _context.Clock.Rest(isRequest: true);
        if (!_hasResponse) _context.Clock.Expect(isRequest: false, _context.Route.Timeouts.Headers, ExchangeErrors.ResponseHeadersTimeout);
    }

    private async Task SendBodyAsync(BodyWriter write, CancellationToken cancellation)
    {
        var replay = _replay!;
        replay.BeginSending();
        try
        {
            // A further try begins with what the ones before have sent; the flow goes on where it was.
            if (!replay.Kept.IsEmpty) await WriteAsync(write, replay.Kept, cancellation);
            await SendOutputAsync(write, replay, cancellation);
        }
        finally
        {
            replay.EndSending();
        }
    }

    private async Task SendOutputAsync(BodyWriter write, RequestReplay replay, CancellationToken cancellation)
    {
        while (true)
        {
            if (!_flow.Output.IsEmpty && !_isOutputSent)
            {
                _isOutputSent = true;
                replay.Keep(_flow.Output);
                await WriteAsync(write, _flow.Output, cancellation);
            }

            if (_flow.IsEndOut) return;
            if (_flow.Stop is not null || _isStopped) throw new FlowStoppedException();
            await StepAsync();
        }
    }

    private ValueTask WriteAsync(BodyWriter write, in ReadOnlySequence<byte> piece, CancellationToken cancellation)
    {
        _context.Clock.Expect(isRequest: true, _context.Idle, ExchangeErrors.RequestWriteTimeout);
        return write(piece, cancellation);
    }

    private static bool IsIdempotent(HeaderMap headers) =>
        headers.TryGet(PseudoNames.Method, out var method) && FieldRules.IsIdempotent(method.Span);

    // A filter may have written target, method and host; what it wrote has to be what the upstream reads. What the client wrote was judged when it came.
    private void CheckTarget(HeaderMap headers)
    {
        var client = _context.Client;
        string? wrong = null;
        if (!headers.TryGet(PseudoNames.Path, out var path) || !RequestTarget.IsValid(path.Span)) wrong = "target";
        else if (!headers.TryGet(PseudoNames.Method, out var method) || !(Ascii.Equals(method.Span, client.Method) || FieldRules.IsMethod(FieldText.Text(method)))) wrong = "method";
        else if (!headers.TryGet(PseudoNames.Authority, out var authority) || !(Ascii.Equals(authority.Span, client.Authority) || HostPattern.IsAuthority(FieldText.Text(authority)))) wrong = "host";
        if (wrong is null) return;
        throw new GatewayException(new GatewayError(ErrorPhase.RequestHeaders, ErrorSide.Plugin, ErrorCause.Failed, Retryable: false, $"a filter made the request {wrong} invalid"));
    }

    /// <summary>Ends the sending of a body whose flow was stopped; never leaves this class and the client it goes through.</summary>
    private sealed class FlowStoppedException : Exception;
}
