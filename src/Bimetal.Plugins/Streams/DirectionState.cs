// Where one direction of an exchange stands for one plugin: what it has passed on and what it holds back.
//
//   headers --Continue--> released            headers --Pause--> held
//   body, trailers --Continue--> headers and buffer released      body, trailers --Pause--> held, the buffer grows
//   continue_stream: in a callback of the direction it overrides the Pause; otherwise it releases what is held, at once

namespace Bimetal.Plugins.Streams;

/// <summary>State of the request or of the response; a part of <see cref="StreamView"/>.</summary>
internal struct DirectionState
{
    private bool _mustContinue;

    /// <summary>The next filter has the headers: changing them now would change nothing.</summary>
    public bool AreHeadersReleased { get; private set; }

    /// <summary>Something is held back.</summary>
    public bool IsHeld { get; private set; }

    /// <summary>Body bytes are held back, so the buffer keeps what came before.</summary>
    public bool IsBodyHeld { get; private set; }

    public bool HaveTrailersCome { get; private set; }

    public void Begin(StreamCallback callback)
    {
        _mustContinue = false;
        HaveTrailersCome |= callback is StreamCallback.RequestTrailers or StreamCallback.ResponseTrailers;
    }

    public FilterAction End(StreamCallback callback, FilterAction action)
    {
        if (_mustContinue || action == FilterAction.Continue)
        {
            Release();
            return FilterAction.Continue;
        }

        IsHeld = true;
        IsBodyHeld |= callback is StreamCallback.RequestBody or StreamCallback.ResponseBody;
        return FilterAction.Pause;
    }

    /// <summary>Says whether the one who waits for the direction must be told.</summary>
    public bool Continue(bool isOwnCallback)
    {
        if (isOwnCallback)
        {
            _mustContinue = true;
            return false;
        }

        bool wasHeld = IsHeld;
        if (wasHeld) Release();
        return wasHeld;
    }

    private void Release()
    {
        AreHeadersReleased = true;
        IsHeld = false;
        IsBodyHeld = false;
    }
}
