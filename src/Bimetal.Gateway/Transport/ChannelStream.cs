// A channel as a Stream, for SslStream: what it awaits completes on the loop's thread, so TLS stays on the loop as well.

namespace Bimetal.Gateway.Transport;

/// <summary>Used by the thread of the channel's loop. Closing it is left to the channel's owner.</summary>
internal sealed class ChannelStream(Channel channel) : Stream
{
    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>With an empty buffer it waits until there is something to read, and holds no memory meanwhile.</summary>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => buffer.IsEmpty ? channel.WaitReadableAsync() : channel.ReadAsync(buffer);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => channel.WriteAsync(buffer);

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
        // Nothing is held back.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("A loop is not waited for.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("A loop is not waited for.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
