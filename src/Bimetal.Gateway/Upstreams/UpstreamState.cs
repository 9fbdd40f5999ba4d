// What is known of one upstream by name: endpoints with their health, connections, counters, who waits. Lives across reloads: the models that
// have an upstream of this name share it, and the last one to go ends it.

using Bimetal.Gateway.Configuration;

namespace Bimetal.Gateway.Upstreams;

/// <summary>Thread-safe.</summary>
internal sealed class UpstreamState(string name, TimeProvider time, Func<UpstreamConfig, UpstreamClient> makeClient)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<UpstreamEndpoint, EndpointState> _endpoints = [];
    private readonly List<Upstream> _users = [];
    private readonly Dictionary<UpstreamClient, UpstreamConfig> _clients = [];
    private readonly LinkedList<Turn> _waiting = [];
    private int _active;
    private int _pending;

    public string Name => name;

    public UpstreamCounters Counters { get; } = new();

    public RetryBudget Budget { get; } = new(time);

    /// <summary>Requests under way, waiting ones included.</summary>
    public int Active => Volatile.Read(ref _active);

    /// <summary>Requests that wait because every endpoint has as many as it may have.</summary>
    public int Pending => Volatile.Read(ref _pending);

    /// <summary>The one whose configuration is in force: it checks health.</summary>
    public Upstream? Lead
    {
        get
        {
            lock (_gate) return _users.Count == 0 ? null : _users[^1];
        }
    }

    /// <summary>The state of an endpoint, as an earlier model left it.</summary>
    public EndpointState StateOf(UpstreamEndpoint endpoint)
    {
        lock (_gate)
        {
            if (!_endpoints.TryGetValue(endpoint, out var state)) _endpoints[endpoint] = state = new EndpointState(endpoint, time);
            return state;
        }
    }

    /// <summary>A client for this configuration: that of an earlier model, with its connections, if it serves.</summary>
    public UpstreamClient ClientFor(UpstreamConfig config)
    {
        lock (_gate)
        {
            foreach (var (existing, madeFor) in _clients)
            {
                if (madeFor.HasSameClient(config)) return existing;
            }

            var client = makeClient(config);
            _clients.Add(client, config);
            return client;
        }
    }

    public void Join(Upstream user)
    {
        lock (_gate) _users.Add(user);
    }

    /// <summary>True when that was the last user.</summary>
    public bool Leave(Upstream user)
    {
        List<UpstreamClient> unused = [];
        bool isLast;
        lock (_gate)
        {
            _users.Remove(user);
            isLast = _users.Count == 0;
            foreach (var client in _clients.Keys.Where(client => !_users.Exists(other => other.Client == client)).ToList())
            {
                _clients.Remove(client);
                unused.Add(client);
            }

            Prune();
        }

        foreach (var client in unused) client.Dispose();
        return isLast;
    }

    /// <summary>Forgets endpoints that no model has and that no request is on.</summary>
    public void PruneEndpoints()
    {
        lock (_gate) Prune();
    }

    /// <summary>Counts a request in; false, and it is not counted, above the limit.</summary>
    public bool TryEnter(UpstreamLimits limits)
    {
        if (Interlocked.Increment(ref _active) <= (limits.Requests ?? int.MaxValue)) return true;
        Interlocked.Decrement(ref _active);
        return false;
    }

    public void Exit() => Interlocked.Decrement(ref _active);

    /// <summary>Waits in line until <paramref name="tryBegin"/> finds room; null when too many wait already.</summary>
    /// <exception cref="TimeoutException">No room within the limit.</exception>
    public async Task<EndpointState?> WaitForRoomAsync(Func<EndpointState?> tryBegin, UpstreamLimits limits, TimeSpan? limit, CancellationToken cancellation)
    {
        long startedAt = time.GetTimestamp();
        var turn = new Turn();
        lock (_gate)
        {
            if (_waiting.Count >= limits.Pending) return null;
            _waiting.AddLast(turn.Place);
            Volatile.Write(ref _pending, _waiting.Count);
        }

        try
        {
            while (true)
            {
                // Looked for once more from within the line: room that came before that called nobody.
                if (IsFirst(turn) && tryBegin() is { } endpoint) return endpoint;
                var left = limit - time.GetElapsedTime(startedAt);
                await turn.Signal.WaitAsync(left > TimeSpan.Zero ? left.Value : left is null ? Timeout.InfiniteTimeSpan : TimeSpan.Zero, time, cancellation);
            }
        }
        finally
        {
            lock (_gate)
            {
                _waiting.Remove(turn.Place);
                Volatile.Write(ref _pending, _waiting.Count);
            }

            NoteRoom();
        }
    }

    /// <summary>There may be room, or another one is first in the line.</summary>
    public void NoteRoom()
    {
        if (Volatile.Read(ref _pending) == 0) return;
        lock (_gate) _waiting.First?.Value.Call();
    }

    private bool IsFirst(Turn turn)
    {
        lock (_gate) return _waiting.First == turn.Place;
    }

    private void Prune()
    {
        foreach (var (endpoint, state) in _endpoints.ToList())
        {
            if (state.Active == 0 && !_users.Exists(user => user.Has(state))) _endpoints.Remove(endpoint);
        }
    }
}

/// <summary>One who waits in line; called when it is first and there may be room.</summary>
internal sealed class Turn
{
    private TaskCompletionSource _signal = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Turn() => Place = new LinkedListNode<Turn>(this);

    public LinkedListNode<Turn> Place { get; }

    /// <summary>The next call; one that came meanwhile counts.</summary>
    public Task Signal
    {
        get
        {
            var signal = Volatile.Read(ref _signal);
            if (signal.Task.IsCompleted) Volatile.Write(ref _signal, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            return signal.Task;
        }
    }

    public void Call() => Volatile.Read(ref _signal).TrySetResult();
}

/// <summary>What an upstream has counted since it exists. Thread-safe.</summary>
internal sealed class UpstreamCounters
{
    public long Requests;
    public long Retries;

    /// <summary>Retries that the budget did not allow.</summary>
    public long RetriesRefused;

    /// <summary>Requests that a limit refused.</summary>
    public long LimitRefusals;
}
