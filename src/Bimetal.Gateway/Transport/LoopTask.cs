// What the asynchronous methods of an exchange return: like ValueTask, but on a loop, where the framework's way costs a few objects for each
// method that waits. Whoever awaits one goes on at the spot where it ended, which is the loop, and the state of a method that waited is used
// again by the next call of that method (LoopTaskBox). Tasks that end elsewhere bring their awaiter back to the loop: it is the synchronization context.

using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Bimetal.Gateway.Transport;

/// <summary>Awaited once, at once, and nothing else: its state is somebody else's afterwards.</summary>
[AsyncMethodBuilder(typeof(LoopTaskMethodBuilder<>))]
internal readonly struct LoopTask<T>
{
    private readonly LoopTaskState<T>? _state;
    private readonly T _result;
    private readonly int _version;

    /// <summary>A method that did not wait.</summary>
    public LoopTask(T result) => _result = result;

    public LoopTask(LoopTaskState<T> state)
    {
        _state = state;
        _version = state.Version;
        _result = default!;
    }

    public Awaiter GetAwaiter() => new(this);

    internal readonly struct Awaiter(LoopTask<T> task) : ICriticalNotifyCompletion
    {
        public bool IsCompleted => task._state?.IsDone(task._version) != false;

        public T GetResult() => task._state is { } state ? state.Take(task._version) : task._result;

        public void OnCompleted(Action continuation) => task._state!.Continue(task._version, continuation);

        public void UnsafeOnCompleted(Action continuation) => OnCompleted(continuation);
    }
}

/// <summary><see cref="LoopTask{T}"/> of a method without a result.</summary>
[AsyncMethodBuilder(typeof(LoopTaskMethodBuilder))]
internal readonly struct LoopTask(LoopTask<bool> task)
{
    public LoopTask<bool>.Awaiter GetAwaiter() => task.GetAwaiter();
}

/// <summary>How a method that waits ends. One call at a time; the version tells them apart.</summary>
internal class LoopTaskState<T>
{
    private Action? _continuation;
    private ExceptionDispatchInfo? _error;
    private T _result = default!;
    private bool _isDone;

    public int Version { get; private set; }

    public bool IsDone(int version)
    {
        Check(version);
        return _isDone;
    }

    public T Take(int version)
    {
        Check(version);
        if (!_isDone) throw new InvalidOperationException("The method has not ended.");
        var (result, error) = (_result, _error);
        (_result, _error, _isDone) = (default!, null, false);
        Version++;
        Release();
        error?.Throw();
        return result;
    }

    public void Continue(int version, Action continuation)
    {
        Check(version);
        if (_isDone) continuation();
        else _continuation = continuation;
    }

    public void SetResult(T result)
    {
        _result = result;
        Finish();
    }

    public void SetException(Exception exception)
    {
        _error = ExceptionDispatchInfo.Capture(exception);
        Finish();
    }

    /// <summary>The result was taken.</summary>
    protected virtual void Release()
    {
        // That of a method that failed before it waited.
    }

    private void Check(int version)
    {
        if (version != Version) throw new InvalidOperationException("A task of a loop is awaited a second time.");
    }

    // Nothing of this may be touched behind the continuation: it may serve another call by then.
    private void Finish()
    {
        _isDone = true;
        var continuation = _continuation;
        _continuation = null;
        continuation?.Invoke();
    }
}

/// <summary>A method that waits, with its variables. Kept by its thread for the next call.</summary>
internal sealed class LoopTaskBox<T, TMethod> : LoopTaskState<T>
    where TMethod : IAsyncStateMachine
{
    private const int KeptPerMethod = 64;

    [ThreadStatic]
    private static LoopTaskBox<T, TMethod>? t_free;

    [ThreadStatic]
    private static int t_freeCount;

    private LoopTaskBox<T, TMethod>? _next;
    private TMethod _method = default!;
    private ExecutionContext? _context;

    private LoopTaskBox() => MoveNext = Run;

    public Action MoveNext { get; }

    public static LoopTaskBox<T, TMethod> Rent()
    {
        if (t_free is not { } box) return new LoopTaskBox<T, TMethod>();
        t_free = box._next;
        t_freeCount--;
        box._next = null;
        return box;
    }

    public void Keep(ref TMethod method) => _method = method;

    /// <summary>The method is about to wait: it goes on with the same ambient values.</summary>
    public void NoteContext() => _context = ExecutionContext.Capture();

    protected override void Release()
    {
        _method = default!;
        _context = null;
        if (t_freeCount == KeptPerMethod) return;
        _next = t_free;
        t_free = this;
        t_freeCount++;
    }

    private void Run()
    {
        if (_context is { } context) ExecutionContext.Run(context, static box => ((LoopTaskBox<T, TMethod>)box!)._method.MoveNext(), this);
        else _method.MoveNext();
    }
}
