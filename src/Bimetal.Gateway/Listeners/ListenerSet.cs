// The open listeners of one configuration. A reload makes the next set: what did not change stays open, what is new is opened before
// anything is closed.

using Bimetal.Gateway.Configuration;

namespace Bimetal.Gateway.Listeners;

/// <summary>One open listener, whatever serves it.</summary>
internal abstract class ListenerServer : IAsyncDisposable
{
    /// <summary>With its real port.</summary>
    public abstract BoundListener Bound { get; }

    /// <summary>New connections get these settings; those that stand keep what they began with. Never throws.</summary>
    /// <param name="config">On the same address.</param>
    public abstract void Apply(ListenerConfig config);

    /// <summary>Whether one of our other sockets may have the address as well.</summary>
    public virtual void Share(bool isShared)
    {
        // Its address is its own.
    }

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

    /// <summary>Opens what this set does not have yet; <see cref="Apply"/> it when nothing else can fail any more.</summary>
    /// <param name="open">Opens one; true: beside a listener of this set that is about to go.</param>
    /// <exception cref="GatewayStartException">An address cannot be bound; what was opened for it is closed again, and this set is as it was.</exception>
    public async Task<ListenerSet> ChangeAsync(IReadOnlyList<ListenerConfig> wanted, Func<ListenerConfig, bool, Task<ListenerServer>> open)
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
                var server = await OpenAsync(wanted[index], unused, open);
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

    // `*:80` and `127.0.0.1:80` exclude each other, unless for the moment of the change both share their port.
    private static async Task<ListenerServer> OpenAsync(ListenerConfig wanted, IEnumerable<OpenListener> leaving, Func<ListenerConfig, bool, Task<ListenerServer>> open)
    {
        OpenListener[] samePort = [.. leaving.Where(old => old.Config.Address.Port != 0 && old.Config.Address.Port == wanted.Address.Port)];
        foreach (var (_, server) in samePort) server.Share(true);
        try
        {
            return await open(wanted, samePort.Length > 0);
        }
        finally
        {
            foreach (var (_, server) in samePort) server.Share(false);
        }
    }

    /// <summary>Puts the settings of its configuration into force.</summary>
    public void Apply()
    {
        foreach (var (config, server) in _open) server.Apply(config);
    }

    /// <summary>Closes the listeners that <paramref name="next"/> does not have; see <see cref="CloseAsync"/>.</summary>
    public Task CloseWithoutAsync(ListenerSet next, CancellationToken deadline) =>
        CloseAsync(_open.Where(old => !next._open.Any(kept => ReferenceEquals(kept.Server, old.Server))), deadline);

    /// <summary>Takes no new connections, closes idle ones, waits for requests in flight until <paramref name="deadline"/>, then breaks them off.</summary>
    public Task CloseAsync(CancellationToken deadline) => CloseAsync(_open, deadline);

    // An address has one socket: other settings come into force on it. Of several ports that the system chooses each is as good as the other.
    private static bool IsSame(ListenerConfig old, ListenerConfig config) => old.Address.Equals(config.Address);

    private static Task CloseAsync(IEnumerable<OpenListener> listeners, CancellationToken deadline) => Task.WhenAll(listeners.Select(async listener =>
    {
        await listener.Server.StopAsync(deadline);
        await listener.Server.DisposeAsync();
    }));

    private sealed record OpenListener(ListenerConfig Config, ListenerServer Server);
}
