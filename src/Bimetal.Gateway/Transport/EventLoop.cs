// One thread that waits for its sockets and runs what follows on the spot: reading, filters, writing. A connection and all that belongs to
// it stay on one loop, so none of it needs a lock, and nothing is handed from thread to thread. The loop is the synchronization context of
// its thread: whatever code awaits here comes back here, also from a timer or from the thread pool.

using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Bimetal.Gateway.Transport;

/// <summary>Runs until it is disposed. Only <see cref="Post"/> and <see cref="RunAsync"/> may be called from other threads.</summary>
internal sealed class EventLoop : SynchronizationContext, IDisposable
{
    private const int EventsPerWait = 256;
    private const int FineTickMs = 10;
    private const int CoarseTickMs = 250;
    private const ulong WakeData = ulong.MaxValue;

    [ThreadStatic]
    private static EventLoop? t_current;

    private readonly int _epoll;
    private readonly int _wakeEvent;
    private readonly EpollEvents _events = new(EventsPerWait);
    private readonly ConcurrentQueue<(SendOrPostCallback Callback, object? State)> _posted = new();
    private readonly List<LoopHandler?> _handlers = [];
    private readonly Stack<int> _freeSlots = new();
    private readonly DeadlineList _fine = new();
    private readonly DeadlineList _coarse = new();
    private readonly Thread _thread;
    private uint _generation;
    private long _nextCoarseMs;
    private long _nextFineMs;
    private int _isWoken;
    private readonly Lock _wakeGate = new();
    private volatile bool _isStopped;
    private bool _isClosed;

    public EventLoop(int index)
    {
        Index = index;
        _epoll = LinuxCalls.CreateEpoll(LinuxCalls.CloseOnExec);
        _wakeEvent = LinuxCalls.CreateEvent(0, LinuxCalls.CloseOnExec | LinuxCalls.NonBlocking);
        if (_epoll < 0 || _wakeEvent < 0) throw new IOException("no event loop: error " + Marshal.GetLastPInvokeError());
        _events.Set(0, LinuxCalls.EventIn | LinuxCalls.EventEdge, WakeData);
        if (LinuxCalls.ControlEpoll(_epoll, LinuxCalls.ControlAdd, _wakeEvent, ref _events.First) < 0) throw new IOException("no event loop: error " + Marshal.GetLastPInvokeError());
        NowMs = Environment.TickCount64;
        _thread = new Thread(Run) { IsBackground = true, Name = "loop " + index };
        _thread.Start();
    }

    /// <summary>The loop whose thread this is, or null.</summary>
    public static new EventLoop? Current => t_current;

    /// <summary>Number of the loop in its group.</summary>
    public int Index { get; }

    /// <summary>Milliseconds since some moment, as of the last events: exact enough for timeouts.</summary>
    public long NowMs { get; private set; }

    /// <summary>Buffers of the connections of this loop.</summary>
    public BufferPool Buffers { get; } = new();

    public bool IsCurrent => t_current == this;

    /// <summary>Runs something on the loop, soon.</summary>
    public override void Post(SendOrPostCallback d, object? state)
    {
        _posted.Enqueue((d, state));
        if (!IsCurrent && Interlocked.Exchange(ref _isWoken, 1) == 0) Wake();
    }

    public override void Send(SendOrPostCallback d, object? state)
    {
        if (!IsCurrent) throw new NotSupportedException("An event loop is not waited for.");
        d(state);
    }

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Runs an asynchronous function on the loop; its awaits come back to the loop.</summary>
    public Task RunAsync(Func<Task> function)
    {
        if (IsCurrent) return function();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(static state => ((PostedFunction)state!).Start(), new PostedFunction(function, done));
        return done.Task;
    }

    /// <summary>Watches a descriptor, edge-triggered, until it is closed.</summary>
    public bool TryAdd(LoopHandler handler, int descriptor, uint events)
    {
        if (!_freeSlots.TryPop(out int slot))
        {
            slot = _handlers.Count;
            _handlers.Add(null);
        }

        // The generation tells an event of a socket that was closed a moment ago from one of its successor in the slot.
        handler.Slot = slot;
        handler.Generation = ++_generation;
        _handlers[slot] = handler;
        var entry = new EpollEvents(1);
        entry.Set(0, events, ((ulong)handler.Generation << 32) | (uint)slot);
        if (LinuxCalls.ControlEpoll(_epoll, LinuxCalls.ControlAdd, descriptor, ref entry.First) == 0) return true;
        Remove(handler);
        return false;
    }

    /// <summary>Forgets a handler; closing its descriptor ends the watching.</summary>
    public void Remove(LoopHandler handler)
    {
        if (handler.Slot < 0) return;
        _handlers[handler.Slot] = null;
        _freeSlots.Push(handler.Slot);
        handler.Slot = -1;
    }

    /// <summary>From now on the deadline is looked at every ten milliseconds, or every quarter of a second.</summary>
    public void Add(LoopDeadline deadline, bool isCoarse) => (isCoarse ? _coarse : _fine).Add(deadline);

    /// <summary>Ends the thread; what is still registered is left alone.</summary>
    public void Dispose()
    {
        _isStopped = true;
        Wake();
        if (!IsCurrent) _thread.Join();
        lock (_wakeGate)
        {
            if (_isClosed) return;
            _isClosed = true;
            LinuxCalls.Close(_epoll);
            LinuxCalls.Close(_wakeEvent);
        }
    }

    private void Run()
    {
        t_current = this;
        SetSynchronizationContext(this);
        while (!_isStopped)
        {
            int count = LinuxCalls.WaitEpoll(_epoll, ref _events.First, _events.Capacity, WaitMs());
            NowMs = Environment.TickCount64;
            for (int index = 0; index < count; index++) Dispatch(_events.DataAt(index), _events.MaskAt(index));
            RunDeadlines();
            RunPosted();
        }
    }

    private int WaitMs()
    {
        if (!_posted.IsEmpty) return 0;
        if (!_fine.IsEmpty) return FineTickMs;
        return _coarse.IsEmpty ? -1 : CoarseTickMs;
    }

    private void Dispatch(ulong data, uint mask)
    {
        if (data == WakeData)
        {
            ulong count = 0;
            LinuxCalls.Read(_wakeEvent, ref MemoryMarshal.AsBytes(new Span<ulong>(ref count))[0], sizeof(ulong));
            Volatile.Write(ref _isWoken, 0);
            return;
        }

        var handler = _handlers[(int)(uint)data];
        if (handler is not null && handler.Generation == (uint)(data >> 32)) handler.OnEvents(mask);
    }

    private void RunDeadlines()
    {
        if (NowMs >= _nextFineMs)
        {
            _nextFineMs = NowMs + FineTickMs;
            _fine.Run(NowMs);
        }

        if (NowMs < _nextCoarseMs) return;
        _nextCoarseMs = NowMs + CoarseTickMs;
        _coarse.Run(NowMs);
    }

    // Only what is there now: what it posts itself comes after the next look at the sockets.
    private void RunPosted()
    {
        int count = _posted.Count;
        while (count-- > 0 && _posted.TryDequeue(out var item)) item.Callback(item.State);
    }

    private void Wake()
    {
        ulong one = 1;
        lock (_wakeGate)
        {
            if (!_isClosed) LinuxCalls.Write(_wakeEvent, ref MemoryMarshal.AsBytes(new Span<ulong>(ref one))[0], sizeof(ulong));
        }
    }

    private sealed class PostedFunction(Func<Task> function, TaskCompletionSource done)
    {
        public async void Start()
        {
            try
            {
                await function();
                done.TrySetResult();
            }
            catch (Exception exception)
            {
                done.TrySetException(exception);
            }
        }
    }
}

/// <summary>Something whose descriptor a loop watches.</summary>
internal abstract class LoopHandler
{
    internal int Slot { get; set; } = -1;

    internal uint Generation { get; set; }

    /// <summary>Called on the loop's thread; must not throw.</summary>
    public abstract void OnEvents(uint mask);
}
