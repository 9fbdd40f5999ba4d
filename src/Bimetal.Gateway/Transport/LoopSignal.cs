// What one pending operation of a channel completes: a value task whose continuation runs on the spot, on the loop's thread. (The framework's
// own source would post it to the loop, because the loop is the synchronization context.)

using System.Threading.Tasks.Sources;

namespace Bimetal.Gateway.Transport;

/// <summary>One operation at a time; used by the loop's thread only, and used again for the next operation.</summary>
internal sealed class LoopSignal : IValueTaskSource<int>, IValueTaskSource
{
    private Action<object?>? _continuation;
    private object? _state;
    private Exception? _error;
    private int _result;
    private short _version;
    private bool _isDone;

    /// <summary>Somebody has called <see cref="Wait"/>, and the operation is not done.</summary>
    public bool IsPending { get; private set; }

    public ValueTask<int> Wait()
    {
        Begin();
        return new ValueTask<int>(this, _version);
    }

    public ValueTask WaitOnly()
    {
        Begin();
        return new ValueTask(this, _version);
    }

    public void Complete(int result)
    {
        _result = result;
        Finish();
    }

    public void Fail(Exception error)
    {
        _error = error;
        Finish();
    }

    public int GetResult(short token)
    {
        if (token != _version || !_isDone) throw new InvalidOperationException("The operation is not done, or another one is.");
        var error = _error;
        _version++;
        _isDone = false;
        _error = null;
        return error is null ? _result : throw error;
    }

    void IValueTaskSource.GetResult(short token) => GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token)
    {
        if (!_isDone) return ValueTaskSourceStatus.Pending;
        return _error is null ? ValueTaskSourceStatus.Succeeded : _error is OperationCanceledException ? ValueTaskSourceStatus.Canceled : ValueTaskSourceStatus.Faulted;
    }

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        if (_isDone)
        {
            continuation(state);
            return;
        }

        _continuation = continuation;
        _state = state;
    }

    private void Begin()
    {
        if (IsPending) throw new InvalidOperationException("Two operations of the same kind on one channel.");
        IsPending = true;
        _isDone = false;
        _error = null;
    }

    private void Finish()
    {
        IsPending = false;
        _isDone = true;
        var (continuation, state) = (_continuation, _state);
        _continuation = null;
        _state = null;
        continuation?.Invoke(state);
    }
}
