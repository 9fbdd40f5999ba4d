// Something that one model takes over from the one before it: an access log, an exporter. The last owner that releases it ends it.

namespace Bimetal.Gateway.Operation;

/// <summary>A value with several owners. The first one is whoever makes it.</summary>
internal sealed class Shared<T>(T value)
    where T : IAsyncDisposable
{
    private int _owners = 1;

    public T Value => value;

    /// <summary>Adds an owner. Only an owner may call it, so the value is alive.</summary>
    public Shared<T> Share()
    {
        Interlocked.Increment(ref _owners);
        return this;
    }

    public ValueTask ReleaseAsync() => Interlocked.Decrement(ref _owners) == 0 ? value.DisposeAsync() : ValueTask.CompletedTask;
}
