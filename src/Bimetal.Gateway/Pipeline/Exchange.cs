// One request and its response, from the client's bytes to the log line: route, request leg, response leg, and what to answer when one of
// them ends early. Whatever happens, every filter that began gets its log callback and is disposed after the answer was written.

using System.Buffers;
using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Listeners;
using Bimetal.Gateway.Routing;
using Bimetal.Gateway.Telemetry;
using Bimetal.Gateway.Transport;
using Bimetal.Gateway.Upstreams;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Pipeline;

internal sealed class Exchange(ClientExchange client, GatewayModel model, GatewayServices services) : IDisposable
{
    private readonly ExchangeClock _clock = new(client.Loop, services.Time);
    private readonly long _startedAt = services.Time.GetTimestamp();
    private Route? _route;
    private ExchangeContext? _context;
    private RequestLeg? _request;
    private ResponseLeg? _response;
    private UpstreamResponse? _upstreamResponse;
    private GatewayError? _error;
    private string _errorId = "";
    private string _answeredBy = "";
    private int _status;
    private long _plainBytes;
    private Tunnel? _tunnel;

    /// <summary>Where the exchange runs.</summary>
    public EventLoop Loop => client.Loop;

    /// <summary>Never throws: what goes wrong is answered, or breaks the connection, and is logged.</summary>
    public async LoopTask RunAsync()
    {
        client.Watch(_clock);
        _clock.Waiting = client;
        try
        {
            await PassOnAsync();
            await CompleteAsync();
            if (_response?.Tunnel is { } tunnel) await RunTunnelAsync(tunnel);
        }
        catch (Exception exception)
        {
            await GiveUpAsync((exception as GatewayException)?.Error ?? _clock.Reason ?? ExchangeErrors.Bug(exception), exception);
        }

        await EndAsync();
    }

    public void Dispose()
    {
        client.Watch(null);
        _clock.Dispose();
        model.Leave();
    }

    private async LoopTask PassOnAsync()
    {
        if (services.IsDraining) client.CloseAfterwards();
        if (client.Refusal() is { } refusal)
        {
            client.CloseAfterwards();
            await AnswerPlainlyAsync(refusal);
            return;
        }

        if (services.Memory.IsFull)
        {
            await AnswerPlainlyAsync(ExchangeErrors.MemoryFull);
            return;
        }

        if (!RequestTarget.TryNormalize(client.Target, out string target))
        {
            await AnswerPlainlyAsync(ExchangeErrors.BadTarget);
            return;
        }

        var stream = new HttpStream();
        client.ReadHeaders(stream, target);
        var path = RequestTarget.PathOf(target);
        var match = model.Routes.Find(client.Authority, path, client.Method, stream.RequestHeaders, target.AsSpan(path.Length).TrimStart('?'));
        if (match.Route < 0)
        {
            bool isKnown = match.AllowedMethods.Count > 0;
            await AnswerPlainlyAsync(isKnown ? ExchangeErrors.MethodNotAllowed : ExchangeErrors.NoRoute, match.AllowedMethods);
            return;
        }

        var route = model.RouteAt(match.Route);
        if (!route.State.TryEnter(route.Config.Limits.Requests))
        {
            await AnswerPlainlyAsync(ExchangeErrors.RouteBusy(route));
            return;
        }

        _route = route;
        var context = _context = new ExchangeContext(client, stream, target, route, _clock, services.Memory);
        FillStream(stream, route);
        context.Observation = model.Telemetry.Observe(context, target);
        if (client.NeedsUpgrade && context.Upgrade is null)
        {
            await AnswerPlainlyAsync(ExchangeErrors.BadRequest("the route has no upgrade to the protocol of the extended CONNECT"));
            return;
        }

        if (client.Length > context.BodyLimit || route.Rewrite?.TryApply(stream, target) == false)
        {
            await AnswerPlainlyAsync(client.Length > context.BodyLimit ? ExchangeErrors.RequestBodyTooLarge(context.BodyLimit) : ExchangeErrors.BadTarget);
            return;
        }

        _clock.Limit(route.Timeouts.Total, ExchangeErrors.TotalTimeout);
        if (client.HasBody) _clock.LimitRequest(client.Limits.BodyTimeout);
        var leg = await StartAsync(context);
        while (leg is not null) leg = await RunLegAsync(leg, context);
    }

    private void FillStream(HttpStream stream, Route route)
    {
        stream.RouteName = route.Name;
        stream.UpstreamName = route.Upstream?.Name ?? "";
        stream.StartedAt = services.Time.GetUtcNow();
        stream.ConnectionId = client.ConnectionId;
        ForwardedFields.Add(stream, client.Arrival);
    }

    /// <summary>Sends the request on; gives the leg of the response, whoever made it. Null: the exchange is broken off.</summary>
    private async LoopTask<ResponseLeg?> StartAsync(ExchangeContext context)
    {
        _request = new RequestLeg(context);
        try
        {
            if (await _request.RunAsync() is not { } response) return Replace(context, _request.Stop!);
            _upstreamResponse = response;
            return _response = new ResponseLeg(context, HasBody(context.Stream, response) ? response : null, response.Tunnel);
        }
        catch (GatewayException exception)
        {
            return Replace(context, new FlowStop("", null, exception.Error));
        }
    }

    /// <summary>Runs a response; gives the leg of what replaces it, or null when it is written.</summary>
    private async Task<ResponseLeg?> RunLegAsync(ResponseLeg leg, ExchangeContext context)
    {
        FlowStop? stop;
        try
        {
            stop = await leg.RunAsync();
        }
        catch (GatewayException exception) when (!client.HasStarted)
        {
            stop = new FlowStop("", null, exception.Error);
        }

        _status = leg.Status;
        if (stop is null) return null;
        await leg.StopReadingAsync();
        return Replace(context, stop);
    }

    /// <summary>Makes the answer of a filter, or that to an error, the response. Filters that have not seen a response yet will see this one.</summary>
    private ResponseLeg? Replace(ExchangeContext context, FlowStop stop)
    {
        if (stop.Error is { Side: ErrorSide.Client, Cause: ErrorCause.Aborted }) throw new GatewayException(stop.Error);
        if (stop is { Error: null, Answer: null })
        {
            client.Abort();
            _answeredBy = stop.By;
            return null;
        }

        _clock.Renew();
        if (stop.Error is not null) NoteError(stop.Error);
        else _answeredBy = stop.By;
        var answer = stop.Answer ?? ErrorAnswer.Of(stop.Error!, _errorId);
        foreach (ref var step in context.Steps.AsSpan()) step.IsOut |= step.Stream?.Direction(isRequest: false).State is not (null or StepState.Unseen);
        var headers = context.Stream.ResponseHeaders;
        headers.Clear();
        context.Stream.ResponseTrailers.Clear();
        headers.Add(PseudoNames.Status, FieldText.ValueBytes(answer.Status.ToString()));
        for (int index = 0; index < answer.Headers.Count; index++) headers.Add(answer.Headers[index].Name, answer.Headers[index].Value);
        if (answer.GrpcStatus >= 0) headers.SetCopy("grpc-status"u8, FieldText.ValueBytes(answer.GrpcStatus.ToString()).Span);
        return _response = new ResponseLeg(context, answer.Body.IsEmpty ? null : new LocalBody(answer.Body));
    }

    /// <summary>Answers without any filter: the request has no route, or a filter's code failed.</summary>
    private async Task AnswerPlainlyAsync(GatewayError error, IReadOnlyList<string>? allowedMethods = null)
    {
        NoteError(error);
        var answer = ErrorAnswer.Of(error, _errorId);
        if (allowedMethods?.Count > 0) answer.Headers.SetCopy("allow"u8, FieldText.ValueBytes(string.Join(", ", allowedMethods)).Span);
        _status = answer.Status;
        client.WriteHeaders(answer.Status, answer.Headers, answer.Body.Length);
        if (client.Method == "HEAD") return;
        await client.WriteAsync(new ReadOnlySequence<byte>(answer.Body), isLast: true);
        _plainBytes = answer.Body.Length;
    }

    private async Task CompleteAsync()
    {
        _clock.Expect(isRequest: false, _context?.Idle ?? GatewayLimits.LastWrite, ExchangeErrors.ResponseWriteTimeout);
        try
        {
            await client.CompleteAsync(_context?.Stream.ResponseTrailers);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            throw new GatewayException(_clock.Reason ?? ExchangeErrors.ClientGone, exception);
        }

        _clock.Rest(isRequest: false);
    }

    // Reads on both sides tell when somebody leaves.
    private async Task RunTunnelAsync(Tunnel tunnel)
    {
        client.Watch(null);
        _clock.Waiting = null;
        await tunnel.RunAsync();
        _tunnel = tunnel;
        if (_clock.Reason is { } reason) NoteError(reason);
    }

    private void NoteError(GatewayError error)
    {
        _error = error;
        if (_errorId.Length == 0) _errorId = services.NewErrorId();
    }

    private async Task GiveUpAsync(GatewayError error, Exception exception)
    {
        NoteError(error);
        if (error.Side == ErrorSide.Gateway) GatewayLog.ExchangeFailed(services.Log, _errorId, exception.ToString());
        if (!client.HasStarted && error.Cause != ErrorCause.Aborted)
        {
            try
            {
                client.ClearHeaders();
                _clock.Renew();
                await AnswerPlainlyAsync(error);
                await CompleteAsync();
                return;
            }
            catch (Exception)
            {
                // The client is gone or the listener broken: what follows does not need them.
            }
        }

        // Nothing can be answered any more: the client is gone, or has a part of a response and must not take it for the whole.
        _status = client.HasStarted && _response is not null ? _response.Status : ErrorStatus.Of(error);
        client.Abort();
    }

    private async Task EndAsync()
    {
        if (_response is not null) await _response.StopReadingAsync();
        if (_request is not null) await _request.StopReadingAsync();
        if (_upstreamResponse is not null) await _upstreamResponse.StopSendingAsync();
        foreach (var step in _context?.Steps ?? [])
        {
            if (step.Stream is { } stream) End(stream);
        }

        // Only now: the fields that the filters saw stand in the buffers of the connection.
        if (_upstreamResponse is not null) End(_upstreamResponse);
        if (_context?.Call is { } call) End(call);
        _route?.State.Leave();
        var entry = Entry();
        model.Traffic.Count(entry);
        model.Telemetry.Count(entry, _context?.Observation);
    }

    private void End(FilterStream filter)
    {
        try
        {
            filter.OnLog();
        }
        catch (Exception exception)
        {
            GatewayLog.ExchangeFailed(services.Log, _errorId, exception.ToString());
        }

        End((IDisposable)filter);
    }

    // One failure must not keep the next filter's instance, nor the line of the log.
    private void End(IDisposable part)
    {
        try
        {
            part.Dispose();
        }
        catch (Exception exception)
        {
            GatewayLog.ExchangeFailed(services.Log, _errorId, exception.ToString());
        }
    }

    private AccessLogEntry Entry() => new()
    {
        Time = services.Time.GetUtcNow(),
        Duration = services.Time.GetElapsedTime(_startedAt),
        Client = _context?.Stream.Source ?? client.Source,
        Method = client.Method,
        Target = client.Target,
        Host = client.Authority,
        Status = _status,
        Route = _context?.Route.Name,
        Upstream = _context?.Route.Upstream?.Name,
        Endpoint = _context?.Endpoint?.Authority,
        Retries = _context?.Call?.Retries ?? 0,
        RequestBytes = (_request?.BodyBytes ?? 0) + (_tunnel?.FromClientBytes ?? 0),
        ResponseBytes = _plainBytes + (_response?.BytesWritten ?? 0) + (_tunnel?.FromUpstreamBytes ?? 0),
        AnsweredBy = _answeredBy,
        Error = _error,
        ErrorId = _errorId,
        RequestFields = _context?.Stream.RequestHeaders,
    };

    private bool HasBody(HttpStream stream, UpstreamResponse response)
    {
        stream.ResponseHeaders.TryGet(PseudoNames.Status, out var status);
        bool describesOnly = client.Method == "HEAD" || WasSentAsHead(stream) || status.Span.SequenceEqual("204"u8) || status.Span.SequenceEqual("304"u8);
        return !describesOnly && response.Length != 0;
    }

    // A filter may have changed the method.
    private static bool WasSentAsHead(HttpStream stream) => stream.RequestHeaders.TryGet(PseudoNames.Method, out var method) && method.Span.SequenceEqual("HEAD"u8);
}
