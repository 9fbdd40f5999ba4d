// Names of endpoints, resolved again and again. The system does not tell how long an address is good for, so there is an interval.

using System.Net;
using Bimetal.Gateway.Limits;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Upstreams;

/// <summary>Gives the addresses of a name, or throws.</summary>
internal delegate Task<IPAddress[]> NameLookup(string name, CancellationToken cancellation);

/// <summary>Upstreams with the same name share its lookups. Thread-safe.</summary>
internal sealed class ResolvedNames(NameLookup lookup, TimeProvider time, ILogger log)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Name, TimeSpan Interval), (ResolvedName Resolved, int Users)> _names = [];

    public static Task<IPAddress[]> SystemLookup(string name, CancellationToken cancellation) => Dns.GetHostAddressesAsync(name, cancellation);

    public ResolvedName Take(string name, TimeSpan interval)
    {
        lock (_gate)
        {
            var (resolved, users) = _names.GetValueOrDefault((name, interval));
            resolved ??= new ResolvedName(name, interval, lookup, time, log);
            _names[(name, interval)] = (resolved, users + 1);
            return resolved;
        }
    }

    public void Release(ResolvedName name)
    {
        lock (_gate)
        {
            var key = (name.Name, name.Interval);
            int users = _names[key].Users - 1;
            if (users > 0) _names[key] = (name, users);
            else if (_names.Remove(key)) name.Dispose();
        }
    }
}

/// <summary>One name with the addresses that it had at the last lookup that succeeded.</summary>
internal sealed class ResolvedName : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationToken _stopped;
    private readonly NameLookup _lookup;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile IPAddress[] _addresses = [];

    public ResolvedName(string name, TimeSpan interval, NameLookup lookup, TimeProvider time, ILogger log)
    {
        Name = name;
        _stopped = _stop.Token;
        Interval = interval;
        (_lookup, _time, _log) = (lookup, time, log);
        _ = Task.Run(RunAsync);
    }

    /// <summary>The addresses are others than before.</summary>
    public event Action? Changed;

    public string Name { get; }

    public TimeSpan Interval { get; }

    /// <summary>In order; empty until a lookup succeeded.</summary>
    public IReadOnlyList<IPAddress> Addresses => _addresses;

    /// <summary>Completes with the first lookup, whatever came of it.</summary>
    public Task First => _first.Task;

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
        _first.TrySetResult();
    }

    private async Task RunAsync()
    {
        string problem = "";
        while (!_stopped.IsCancellationRequested)
        {
            problem = await LookUpAsync(problem);
            _first.TrySetResult();
            var pause = problem.Length == 0 || Interval < GatewayLimits.FailedLookupPause ? Interval : GatewayLimits.FailedLookupPause;
            await Task.Delay(pause * (0.9 + (0.2 * Random.Shared.NextDouble())), _time, _stopped).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Returns what is wrong, or nothing. Old addresses stay when a lookup fails: they are the best guess.
    private async Task<string> LookUpAsync(string before)
    {
        string problem = "";
        try
        {
            var found = await _lookup(Name, _stopped).WaitAsync(GatewayLimits.NameLookup, _time, _stopped);
            IPAddress[] addresses = [.. UpstreamEndpoint.Preferred(found).Take(GatewayLimits.AddressesPerName).OrderBy(address => address.ToString(), StringComparer.Ordinal)];
            if (addresses.Length == 0) problem = "it has no address";
            else Publish(addresses);
        }
        catch (Exception exception) when (!_stopped.IsCancellationRequested)
        {
            problem = exception.Message;
        }
        catch (OperationCanceledException)
        {
            return before;
        }

        if (problem.Length > 0 && before.Length == 0) UpstreamLog.NameFailed(_log, Name, problem, _addresses.Length);
        return problem;
    }

    private void Publish(IPAddress[] addresses)
    {
        if (addresses.SequenceEqual(_addresses)) return;
        _addresses = addresses;
        UpstreamLog.NameResolved(_log, Name, string.Join(", ", addresses.Select(address => address.ToString())));
        Changed?.Invoke();
    }
}
