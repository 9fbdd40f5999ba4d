// Deadlines of a loop: a list that is walked every few milliseconds. Setting and clearing one is a store, which is what happens several
// times in every exchange; that a timeout comes a few milliseconds late does not matter.

namespace Bimetal.Gateway.Transport;

/// <summary>A time at which something happens on the loop's thread. Belongs to one list from <see cref="EventLoop.Add"/> until <see cref="Leave"/>.</summary>
internal abstract class LoopDeadline
{
    internal LoopDeadline? Next { get; set; }

    internal LoopDeadline? Previous { get; set; }

    internal DeadlineList? List { get; set; }

    /// <summary>Of <see cref="EventLoop.NowMs"/>; <see cref="long.MaxValue"/> for never.</summary>
    protected internal long DueMs { get; set; } = long.MaxValue;

    /// <summary>No longer looked at.</summary>
    public void Leave() => List?.Remove(this);

    /// <summary>The time has come; it is asked again only when <see cref="DueMs"/> is set anew.</summary>
    protected internal abstract void OnDue();
}

/// <summary>A deadline that calls a function.</summary>
internal sealed class CallbackDeadline(Action onDue) : LoopDeadline
{
    public void Set(long dueMs) => DueMs = dueMs;

    public void Clear() => DueMs = long.MaxValue;

    protected internal override void OnDue() => onDue();
}

internal sealed class DeadlineList
{
    private LoopDeadline? _first;
    private LoopDeadline? _walking;

    public bool IsEmpty => _first is null;

    public void Add(LoopDeadline deadline)
    {
        deadline.Leave();
        deadline.List = this;
        deadline.Previous = null;
        deadline.Next = _first;
        if (_first is not null) _first.Previous = deadline;
        _first = deadline;
    }

    public void Remove(LoopDeadline deadline)
    {
        if (_walking == deadline) _walking = deadline.Next;
        if (deadline.Previous is not null) deadline.Previous.Next = deadline.Next;
        else _first = deadline.Next;
        if (deadline.Next is not null) deadline.Next.Previous = deadline.Previous;
        deadline.Next = deadline.Previous = null;
        deadline.List = null;
    }

    public void Run(long nowMs)
    {
        _walking = _first;
        while (_walking is { } deadline)
        {
            _walking = deadline.Next;
            if (nowMs < deadline.DueMs) continue;
            deadline.DueMs = long.MaxValue;
            deadline.OnDue();
        }
    }
}
