// Where the body is that a native callback looks at, for as long as the callback runs. A part of a slot, so that a stream without bodies has nothing of it.

using System.Buffers;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Native;

/// <summary>Pinned bodies; emptied after every callback. Belongs to one stream at a time.</summary>
internal sealed unsafe class LentBody
{
    // The body that the running callback is about: pinned on the stack by its caller as long as these two are set.
    private byte* _callbackBody;
    private bool _isCallbackBodyRequest;

    // A body that is looked at in any other callback, or after it was changed: pinned by a handle until the callback returns.
    private MemoryHandle _otherBody;
    private bool _hasOtherBody;
    private bool _isOtherBodyRequest;

    /// <summary>A callback about that body begins.</summary>
    public void Begin(bool isRequest, byte* bytes)
    {
        _isCallbackBodyRequest = isRequest;
        _callbackBody = bytes;
    }

    /// <summary>It has returned.</summary>
    public void End() => _callbackBody = null;

    /// <summary>The address of the body, which stays where it is until the callback returns or the body is changed.</summary>
    // SAFETY: either the span is pinned by the caller of Begin until it calls End, or by a handle that is kept until the callback returns.
    public byte* Pin(bool isRequest, BodyBuffer body)
    {
        if (_callbackBody is not null && _isCallbackBodyRequest == isRequest) return _callbackBody;
        if (!_hasOtherBody || _isOtherBodyRequest != isRequest)
        {
            Unpin();
            _otherBody = body.Memory.Pin();
            _hasOtherBody = true;
            _isOtherBodyRequest = isRequest;
        }

        return (byte*)_otherBody.Pointer;
    }

    /// <summary>The body has changed: what was lent of it before is void.</summary>
    public void Forget(bool isRequest)
    {
        if (_isCallbackBodyRequest == isRequest) _callbackBody = null;
        if (_hasOtherBody && _isOtherBodyRequest == isRequest) Unpin();
    }

    /// <summary>Takes back what is pinned by a handle.</summary>
    public void Return()
    {
        if (_hasOtherBody) Unpin();
    }

    private void Unpin()
    {
        _otherBody.Dispose();
        _otherBody = default;
        _hasOtherBody = false;
    }
}
