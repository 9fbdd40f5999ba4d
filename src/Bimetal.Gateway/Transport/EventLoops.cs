// The loops of one gateway: one per processor that it may use.

namespace Bimetal.Gateway.Transport;

internal sealed class EventLoops : IDisposable
{
    private readonly EventLoop[] _loops;
    private uint _turn;

    public EventLoops(int count)
    {
        _loops = new EventLoop[count];
        for (int index = 0; index < count; index++) _loops[index] = new EventLoop(index);
    }

    public EventLoop First => _loops[0];

    public IReadOnlyList<EventLoop> All => _loops;

    /// <summary>Each in turn: connections spread evenly, however few they are.</summary>
    public EventLoop Next() => _loops[(Interlocked.Increment(ref _turn) - 1) % (uint)_loops.Length];

    public void Dispose()
    {
        foreach (var loop in _loops) loop.Dispose();
    }
}
