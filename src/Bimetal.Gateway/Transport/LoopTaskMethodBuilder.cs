// What the compiler makes methods of that return a LoopTask: the variables stay on the stack until the method waits for the first time.

using System.Runtime.CompilerServices;

namespace Bimetal.Gateway.Transport;

#pragma warning disable CA1822 // The compiler calls these methods on an instance.

internal struct LoopTaskMethodBuilder<T>
{
    private LoopTaskState<T>? _state;
    private T _result;

    public readonly LoopTask<T> Task => _state is null ? new LoopTask<T>(_result) : new LoopTask<T>(_state);

    public static LoopTaskMethodBuilder<T> Create() => default;

    // The framework's: what the method sets of ambient values ends with its first part.
    public readonly void Start<TMethod>(ref TMethod method)
        where TMethod : IAsyncStateMachine => default(AsyncValueTaskMethodBuilder).Start(ref method);

    public readonly void SetStateMachine(IAsyncStateMachine method) => ArgumentNullException.ThrowIfNull(method);

    public void SetResult(T result)
    {
        if (_state is null) _result = result;
        else _state.SetResult(result);
    }

    public void SetException(Exception exception) => (_state ??= new LoopTaskState<T>()).SetException(exception);

    public void AwaitOnCompleted<TAwaiter, TMethod>(ref TAwaiter awaiter, ref TMethod method)
        where TAwaiter : INotifyCompletion
        where TMethod : IAsyncStateMachine => awaiter.OnCompleted(Box(ref method).MoveNext);

    public void AwaitUnsafeOnCompleted<TAwaiter, TMethod>(ref TAwaiter awaiter, ref TMethod method)
        where TAwaiter : ICriticalNotifyCompletion
        where TMethod : IAsyncStateMachine => awaiter.UnsafeOnCompleted(Box(ref method).MoveNext);

    private LoopTaskBox<T, TMethod> Box<TMethod>(ref TMethod method)
        where TMethod : IAsyncStateMachine
    {
        if (_state is not LoopTaskBox<T, TMethod> box)
        {
            _state = box = LoopTaskBox<T, TMethod>.Rent();
            box.Keep(ref method); // with this builder in it, which knows the box by now
        }

        box.NoteContext();
        return box;
    }
}

internal struct LoopTaskMethodBuilder
{
    private LoopTaskMethodBuilder<bool> _builder;

    public readonly LoopTask Task => new(_builder.Task);

    public static LoopTaskMethodBuilder Create() => default;

    public readonly void Start<TMethod>(ref TMethod method)
        where TMethod : IAsyncStateMachine => _builder.Start(ref method);

    public readonly void SetStateMachine(IAsyncStateMachine method) => _builder.SetStateMachine(method);

    public void SetResult() => _builder.SetResult(true);

    public void SetException(Exception exception) => _builder.SetException(exception);

    public void AwaitOnCompleted<TAwaiter, TMethod>(ref TAwaiter awaiter, ref TMethod method)
        where TAwaiter : INotifyCompletion
        where TMethod : IAsyncStateMachine => _builder.AwaitOnCompleted(ref awaiter, ref method);

    public void AwaitUnsafeOnCompleted<TAwaiter, TMethod>(ref TAwaiter awaiter, ref TMethod method)
        where TAwaiter : ICriticalNotifyCompletion
        where TMethod : IAsyncStateMachine => _builder.AwaitUnsafeOnCompleted(ref awaiter, ref method);
}
