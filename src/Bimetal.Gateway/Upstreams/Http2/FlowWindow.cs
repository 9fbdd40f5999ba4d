// How many bytes may be sent (RFC 9113, section 5.2), and who waits for more.

using Bimetal.Gateway.Http2;

namespace Bimetal.Gateway.Upstreams.Http2;

/// <summary>Used by one loop.</summary>
internal sealed class FlowWindow(long size)
{
    private TaskCompletionSource? _opened;

    /// <summary>Can be negative, after the other side made its initial size smaller.</summary>
    public long Size { get; private set; } = size;

    /// <summary>Completes when the window may have become larger.</summary>
    public Task Opened => (_opened ??= new TaskCompletionSource()).Task;

    public void Take(int count) => Size -= count;

    /// <exception cref="Http2FormatException">The window would be larger than HTTP/2 allows.</exception>
    public void Change(long by)
    {
        if (Size + by > int.MaxValue) throw new Http2FormatException(Http2Error.FlowControl, "a window that is too large");
        Size += by;
        Wake();
    }

    /// <summary>Whoever waits looks again: there is more, or the end.</summary>
    public void Wake()
    {
        var opened = _opened;
        _opened = null;
        opened?.TrySetResult();
    }
}
