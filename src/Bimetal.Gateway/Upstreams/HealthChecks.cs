// Active health checks: requests that the gateway sends to every endpoint of an upstream by itself.

using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Upstreams;

/// <summary>Runs from its making until it is disposed. Of several models only the newest checks.</summary>
internal sealed class HealthChecks : IDisposable
{
    private readonly Upstream _upstream;
    private readonly ActiveHealthConfig _config;
    private readonly UpstreamStates _states;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationToken _stopped;

    public HealthChecks(Upstream upstream, ActiveHealthConfig config, UpstreamStates states)
    {
        (_upstream, _config, _states) = (upstream, config, states);
        _stopped = _stop.Token;
        // Requests are sent on a loop, and so everything here runs on one.
        _ = _states.Loops?.Next().RunAsync(RunAsync);
    }

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        bool isFirst = true;
        while (!_stopped.IsCancellationRequested)
        {
            try
            {
                // Jitter spreads the checks of many endpoints, and of many gateways. The first round is at once: traffic comes already.
                double spread = isFirst ? 0 : 0.2;
                if (_upstream.State.Lead == _upstream) await Task.WhenAll(_upstream.Endpoints.Endpoints.Select(endpoint => CheckAsync(endpoint.State, spread)));
                isFirst = false;
                await Task.Delay(_config.Interval * 0.9, _states.Time, _stopped);
            }
            catch (OperationCanceledException) when (_stopped.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                UpstreamLog.ChecksFailed(_states.Log, _upstream.Name, exception.ToString());
                await Task.Delay(_config.Interval, _states.Time, CancellationToken.None);
            }
        }
    }

    private async Task CheckAsync(EndpointState endpoint, double spread)
    {
        if (spread > 0) await Task.Delay(_config.Interval * spread * Random.Shared.NextDouble(), _states.Time, _stopped);
        var (succeeded, result) = await AskAsync(endpoint.Endpoint);
        _stopped.ThrowIfCancellationRequested();
        switch (endpoint.NoteCheck(_config, succeeded, result))
        {
            case HealthChange.TurnedUnhealthy:
                UpstreamLog.Unhealthy(_states.Log, _upstream.Name, endpoint.Endpoint.Name, result);
                break;
            case HealthChange.TurnedHealthy:
                UpstreamLog.Healthy(_states.Log, _upstream.Name, endpoint.Endpoint.Name);
                break;
        }
    }

    private async Task<(bool Succeeded, string Result)> AskAsync(UpstreamEndpoint endpoint)
    {
        using var timeout = new CancellationTokenSource(_config.Timeout, _states.Time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _stopped);
        try
        {
            var stream = Request(endpoint);
            using var response = await _upstream.Client.SendAsync(new UpstreamRequest(stream, null, 0, static () => { }), endpoint, linked.Token);
            response.ReadHeaders(stream.ResponseHeaders);
            int status = FieldText.Status(stream.ResponseHeaders);
            await ReadToEndAsync(response, linked.Token);
            return (StatusRange.Contains(_config.Statuses, status), $"status {status}");
        }
        catch (OperationCanceledException)
        {
            return (false, $"no answer within {_config.Timeout.TotalMilliseconds} ms");
        }
        catch (Exception exception) when (exception is GatewayException or IOException or InvalidOperationException)
        {
            return (false, exception.Message);
        }
    }

    private HttpStream Request(UpstreamEndpoint endpoint)
    {
        var stream = new HttpStream();
        var fields = stream.RequestHeaders;
        fields.Add(PseudoNames.Method, "GET"u8.ToArray());
        fields.Add(PseudoNames.Path, Encoding.Latin1.GetBytes(_config.Path));
        fields.Add(PseudoNames.Authority, Encoding.Latin1.GetBytes(_config.Host ?? endpoint.Authority));
        fields.Add(PseudoNames.Scheme, Encoding.Latin1.GetBytes(endpoint.Address.Scheme));
        fields.Add("user-agent"u8.ToArray(), "bimetal-health"u8.ToArray());
        return stream;
    }

    // So that the connection can be used again; a page that never ends is not read.
    private static async Task ReadToEndAsync(UpstreamResponse response, CancellationToken cancellation)
    {
        if (response.Length == 0) return;
        long read = 0;
        while (read < GatewayLimits.HealthAnswerBytes)
        {
            var piece = await response.ReadAsync(cancellation);
            read += piece.Data.Length;
            if (piece.IsEnd) return;
        }
    }
}
