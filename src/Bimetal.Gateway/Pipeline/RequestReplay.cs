// What of a request can be sent a second time: the method says whether it may be, the first bytes of the body are kept for it.

using System.Buffers;

namespace Bimetal.Gateway.Pipeline;

/// <summary>Belongs to the request leg of one exchange.</summary>
/// <param name="limitBytes">What is kept of a body; 0: nothing.</param>
/// <param name="keepsAlways">The upstream can say that it has not looked at a request (HTTP/2): then any may be sent again.</param>
internal sealed class RequestReplay(bool isIdempotent, int limitBytes, bool keepsAlways = false)
{
    private ArrayBufferWriter<byte>? _kept;
    private bool _isTooLong;
    private volatile bool _isSending;

    /// <summary>It means the same when it comes twice (RFC 9110, section 9.2.2).</summary>
    public bool IsIdempotent => isIdempotent;

    /// <summary>Whether everything that was sent of the body can be sent again, and nothing is being sent.</summary>
    public bool CanBegin => !_isTooLong && !_isSending;

    /// <summary>What was sent of the body so far.</summary>
    public ReadOnlySequence<byte> Kept => _kept is null ? default : new ReadOnlySequence<byte>(_kept.WrittenMemory);

    public void BeginSending() => _isSending = true;

    public void EndSending() => _isSending = false;

    /// <summary>Called before bytes go out.</summary>
    public void Keep(in ReadOnlySequence<byte> piece)
    {
        if (_isTooLong) return;
        if (!(isIdempotent || keepsAlways) || piece.Length > limitBytes - (_kept?.WrittenCount ?? 0))
        {
            _isTooLong = true;
            return;
        }

        _kept ??= new ArrayBufferWriter<byte>();
        foreach (var part in piece) _kept.Write(part.Span);
    }
}
