// One request on its way to an upstream: chooses endpoints, tries, and tries again where that is safe and the budget allows it. What one try
// on one endpoint does is the client's.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Transport;

namespace Bimetal.Gateway.Upstreams;

/// <summary>Belongs to one exchange, which disposes it when the response has ended.</summary>
internal sealed class UpstreamCall(ExchangeContext context, Upstream upstream, RequestReplay replay) : IDisposable
{
    private readonly RetryConfig _policy = upstream.Config.Retries;
    private List<EndpointState>? _tried;
    private EndpointState? _current;
    private bool _isEntered;

    /// <summary>How often the request was sent again.</summary>
    public int Retries { get; private set; }

    /// <summary>Sends the request until an answer is to be passed on; its headers are in the stream then.</summary>
    /// <exception cref="GatewayException">The last try failed, or none was possible.</exception>
    public async LoopTask<UpstreamResponse> SendAsync(UpstreamRequest request)
    {
        if (!upstream.State.TryEnter(upstream.Config.Limits)) throw Busy($"limits.requests ({upstream.Config.Limits.Requests})");
        _isEntered = true;
        Interlocked.Increment(ref upstream.State.Counters.Requests);
        upstream.State.Budget.NoteRequest();
        ulong? key = KeyHash.Of(upstream.Config.Balance, context.Stream);
        while (true)
        {
            var endpoint = _current = await BeginTryAsync(key);
            context.Endpoint = endpoint.Endpoint;
            context.Stream.UpstreamAddress = endpoint.Endpoint.Socket;
            try
            {
                var response = await TryAsync(request, endpoint);
                if (Judge(endpoint, FieldText.Status(context.Stream.ResponseHeaders)) is not { } cause || !MayTryAgain(cause, isUnsent: false)) return response;

                // The fields stand in the buffers of the connection.
                context.Stream.ResponseHeaders.Clear();
                response.Dispose();
            }
            catch (GatewayException exception) when (exception.Error.Side == ErrorSide.Upstream)
            {
                if (!MayTryAgain(Judge(endpoint, exception.Error), exception.Error.Retryable)) throw;
            }

            EndTry();
            Retries++;
            Interlocked.Increment(ref upstream.State.Counters.Retries);
            context.Clock.Renew();
            (_tried ??= []).Add(endpoint);
            await PauseAsync();
        }
    }

    public void Dispose()
    {
        EndTry();
        if (_isEntered) upstream.State.Exit();
        _isEntered = false;
    }

    private async LoopTask<EndpointState> BeginTryAsync(ulong? key)
    {
        await upstream.FirstLookupAsync(context.Clock.Token);
        // Who waits already comes first.
        if (upstream.State.Pending == 0 && upstream.TryBegin(key, _tried) is { } endpoint) return endpoint;
        if (upstream.Endpoints.Endpoints.Length == 0) throw Unavailable();
        return await WaitForRoomAsync(key);
    }

    private async Task<EndpointState> WaitForRoomAsync(ulong? key)
    {
        try
        {
            return await upstream.State.WaitForRoomAsync(() => upstream.TryBegin(key, _tried), upstream.Config.Limits, upstream.Config.Timeouts.Connect, context.Clock.Token)
                ?? throw Busy($"limits.pending ({upstream.Config.Limits.Pending})");
        }
        catch (TimeoutException)
        {
            throw Busy($"limits.connections ({upstream.Config.Limits.Connections}), for longer than the connect timeout");
        }
    }

    private async LoopTask<UpstreamResponse> TryAsync(UpstreamRequest request, EndpointState endpoint)
    {
        var token = context.Clock.Token;
        using var perTry = _policy.PerTry is { } limit ? new CancellationTokenSource(limit, upstream.Time) : null;
        using var linked = perTry is null ? null : CancellationTokenSource.CreateLinkedTokenSource(token, perTry.Token);
        UpstreamResponse? response = null;
        try
        {
            response = await upstream.Client.SendAsync(request, endpoint.Endpoint, linked?.Token ?? token);
            context.Clock.Rest(isRequest: false);
            response.ReadHeaders(context.Stream.ResponseHeaders);
            return response;
        }
        catch (OperationCanceledException exception)
        {
            response?.Dispose();
            throw new GatewayException(context.Clock.Reason ?? (perTry?.IsCancellationRequested == true ? ExchangeErrors.TryTimeout : ExchangeErrors.ClientGone), exception);
        }
        catch
        {
            response?.Dispose();
            throw;
        }
    }

    // What a status says about the endpoint, and whether it is a cause to try again.
    private RetryCauses? Judge(EndpointState endpoint, int status)
    {
        if (upstream.Config.Health.Passive is { } passive && StatusRange.Contains(passive.Statuses, status)) upstream.NoteFailure(endpoint, $"status {status}");
        else endpoint.NoteSuccess();
        return status switch
        {
            502 => RetryCauses.Status502,
            503 => RetryCauses.Status503,
            504 => RetryCauses.Status504,
            _ => null,
        };
    }

    private RetryCauses Judge(EndpointState endpoint, GatewayError error)
    {
        // The total timeout can run out at an endpoint that has only just been asked.
        if (error == ExchangeErrors.TotalTimeout) return RetryCauses.None;
        upstream.NoteFailure(endpoint, error.Detail);
        return (error.Phase, error.Cause) switch
        {
            (ErrorPhase.Connect, _) => RetryCauses.ConnectFailure,
            (_, ErrorCause.Timeout) => RetryCauses.Timeout,
            (_, ErrorCause.Failed or ErrorCause.Aborted or ErrorCause.Refused) => RetryCauses.ResetBeforeResponse,
            _ => RetryCauses.None,
        };
    }

    /// <param name="isUnsent">The client knows that the upstream cannot have acted on the request.</param>
    private bool MayTryAgain(RetryCauses cause, bool isUnsent)
    {
        if (cause == RetryCauses.None || !_policy.On.HasFlag(cause) || Retries >= _policy.Attempts) return false;

        // Once an upstream may have acted on it, only a request that means the same when it comes twice is sent again (RFC 9110, section 9.2.2).
        if (!(isUnsent || cause == RetryCauses.ConnectFailure || replay.IsIdempotent) || !replay.CanBegin) return false;
        if (upstream.State.Budget.TryTake(_policy.Budget)) return true;
        Interlocked.Increment(ref upstream.State.Counters.RetriesRefused);
        return false;
    }

    // Another endpoint is asked at once; the same one after a pause, which doubles.
    private async Task PauseAsync()
    {
        if (_tried!.Distinct().Count() < upstream.Endpoints.Endpoints.Length) return;
        double factor = Math.Min(Math.Pow(2, Retries - 1), 10);
        await Task.Delay(_policy.Backoff * factor * (0.5 + (0.5 * Random.Shared.NextDouble())), upstream.Time, context.Clock.Token);
    }

    private void EndTry()
    {
        if (_current is null) return;
        _current.End();
        _current = null;
        upstream.State.NoteRoom();
    }

    private GatewayException Busy(string limit)
    {
        Interlocked.Increment(ref upstream.State.Counters.LimitRefusals);
        return new GatewayException(new GatewayError(ErrorPhase.Connect, ErrorSide.Upstream, ErrorCause.Busy, Retryable: false, $"upstreams.{upstream.Name}.{limit} is reached"));
    }

    private GatewayException Unavailable() =>
        new(new GatewayError(ErrorPhase.Connect, ErrorSide.Upstream, ErrorCause.Unavailable, Retryable: false, $"upstreams.{upstream.Name}: no endpoint has an address"));
}
