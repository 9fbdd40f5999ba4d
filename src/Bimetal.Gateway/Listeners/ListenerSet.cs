// The open listeners of one configuration. A reload makes the next set: what did not change stays open, what is new is opened before
// anything is closed.

using Bimetal.Gateway.Configuration;

namespace Bimetal.Gateway.Listeners;

/// <summary>One open listener, whatever serves it.</summary>
internal abstract class ListenerServer : IAsyncDisposable
{
    /// <summary>With its real port.</summary>
    public abstract BoundListener Bound { get; }

    /// <summary>Takes no new connection, closes idle ones, waits for requests in flight until <paramref name="deadline"/>, then breaks them off.</summary>
    public abstract Task StopAsync(CancellationToken deadline);

    public abstract ValueTask DisposeAsync();
}

/// <summary>Immutable; a server can be in two sets, one after the other.</summary>
internal sealed class ListenerSet
{
    private readonly IReadOnlyList<OpenListener> _open;

    private ListenerSet(IReadOnlyList<OpenListener> open)
    {
        _open = open;
        Bound = [.. open.Select(listener => listener.Server.Bound with { Name = listener.Config.Name })];
    }

    public static ListenerSet Empty { get; } = new([]);

    /// <summary>In the order of the configuration, with real ports.</summary>
    public IReadOnlyList<BoundListener> Bound { get; }

    /// <summary>Opens what this set does not have yet.</summary>
    /// <exception cref="GatewayStartException">An address cannot be bound; what was opened for it is closed again, and this set is as it was.</exception>
    public async Task<ListenerSet> ChangeAsync(IReadOnlyList<ListenerConfig> wanted, Func<ListenerConfig, Task<ListenerServer>> open)
    {
        var unused = _open.ToList();
        var result = new OpenListener[wanted.Count];
        for (int index = 0; index < wanted.Count; index++)
        {
            var config = wanted[index];
            int kept = unused.FindIndex(listener => IsSame(listener.Config, config));
            if (kept < 0) continue;
            result[index] = unused[kept] with { Config = config };
            unused.RemoveAt(kept);
        }

        var opened = new List<ListenerServer>();
        try
        {
            for (int index = 0; index < wanted.Count; index++)
            {
                if (result[index] is not null) continue;
                var server = await open(wanted[index]);
                opened.Add(server);
                result[index] = new OpenListener(wanted[index], server);
            }
        }
        catch
        {
            foreach (var server in opened) await server.DisposeAsync();
            throw;
        }

        return new ListenerSet(result);
    }

    /// <summary>Closes the listeners that <paramref name="next"/> does not have; see <see cref="CloseAsync"/>.</summary>
    public Task CloseWithoutAsync(ListenerSet next, CancellationToken deadline) =>
        CloseAsync(_open.Where(old => !next._open.Any(kept => ReferenceEquals(kept.Server, old.Server))), deadline);

    /// <summary>Takes no new connections, closes idle ones, waits for requests in flight until <paramref name="deadline"/>, then breaks them off.</summary>
    public Task CloseAsync(CancellationToken deadline) => CloseAsync(_open, deadline);

    /// <summary>Listeners on a port that the system chooses are the same when nothing but their place in the list differs.</summary>
    private static bool IsSame(ListenerConfig old, ListenerConfig config) => old with { Name = config.Name } == config;

    private static Task CloseAsync(IEnumerable<OpenListener> listeners, CancellationToken deadline) => Task.WhenAll(listeners.Select(async listener =>
    {
        await listener.Server.StopAsync(deadline);
        await listener.Server.DisposeAsync();
    }));

    private sealed record OpenListener(ListenerConfig Config, ListenerServer Server);
}
