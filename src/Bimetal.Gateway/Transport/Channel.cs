// A connection as the HTTP code uses it: bytes in, bytes out, on one loop. SocketChannel is TCP, TlsChannel puts TLS over it.

namespace Bimetal.Gateway.Transport;

/// <summary>Told about what happens on a channel that nobody reads from at the moment. On the loop's thread.</summary>
internal interface IChannelWatcher
{
    /// <summary>The other side has sent its last byte, or the connection broke.</summary>
    void OnPeerClosed();

    /// <summary>Bytes came that nobody waits for.</summary>
    void OnUnexpectedData();
}

/// <summary>Used by the thread of its loop. One read and one write at a time.</summary>
internal abstract class Channel
{
    /// <summary>Result of a read that was interrupted by <see cref="CancelRead"/>.</summary>
    public const int ReadCancelled = -1;

    public abstract EventLoop Loop { get; }

    public abstract bool IsClosed { get; }

    /// <summary>A write waits for the other side.</summary>
    public abstract bool IsWriting { get; }

    public abstract IChannelWatcher? Watcher { get; set; }

    /// <summary>Reads what is there, or waits; 0 at the end, <see cref="ReadCancelled"/> when interrupted.</summary>
    /// <exception cref="IOException">The connection broke.</exception>
    public abstract ValueTask<int> ReadAsync(Memory<byte> buffer);

    /// <summary>Waits until a read would not wait; holds no buffer meanwhile. Negative when interrupted.</summary>
    public abstract ValueTask<int> WaitReadableAsync();

    /// <summary>Writes everything.</summary>
    /// <exception cref="IOException">The connection broke.</exception>
    public abstract ValueTask WriteAsync(ReadOnlyMemory<byte> bytes);

    /// <summary>Ends the read that is under way, without losing a byte where the channel can do that; otherwise with the channel.</summary>
    public abstract void CancelRead();

    /// <summary>No byte follows from our side; what was written arrives.</summary>
    public abstract ValueTask ShutdownAsync();

    /// <summary>Closes; the other side may lose what it has not read.</summary>
    public abstract void Close();

    /// <summary>Breaks the connection, visibly for the other side.</summary>
    public abstract void Abort();
}
