// What follows an upgrade: bytes of a protocol that the gateway does not read, in both directions until one side has had enough.

using Bimetal.Gateway.Http1;
using Bimetal.Gateway.Transport;

namespace Bimetal.Gateway.Pipeline;

/// <summary>One end of a tunnel: a connection, or a stream of one, and what came on it behind the head.</summary>
internal sealed record TunnelEnd(Channel Channel, MessageInput? Input = null);

/// <summary>Runs on the loop of both ends.</summary>
/// <param name="idle">Longest time without a byte in either direction.</param>
internal sealed class Tunnel(TunnelEnd client, TunnelEnd upstream, ExchangeClock clock, TimeSpan? idle)
{
    public long FromClientBytes { get; private set; }

    public long FromUpstreamBytes { get; private set; }

    /// <summary>Moves bytes until both directions have ended, one broke, or the clock ran out; closes both ends. Never throws.</summary>
    public async Task RunAsync()
    {
        using var end = clock.Token.UnsafeRegister(static state => ((Tunnel)state!).Close(), this);
        Moved();
        await Task.WhenAll(CopyAsync(client, upstream, count => FromClientBytes += count), CopyAsync(upstream, client, count => FromUpstreamBytes += count));
        clock.Rest(isRequest: true);
        Close();
    }

    private async Task CopyAsync(TunnelEnd from, TunnelEnd to, Action<int> count)
    {
        byte[]? buffer = null;
        var pool = from.Channel.Loop.Buffers;
        try
        {
            if (from.Input is { HasBuffered: true } begun)
            {
                count(begun.Buffered.Length);
                await to.Channel.WriteAsync(begun.Buffered);
            }

            while (await from.Channel.WaitReadableAsync() >= 0)
            {
                // Only while there is something to move: an idle tunnel holds none.
                buffer = pool.Rent(BufferPool.MediumBytes);
                int read = await from.Channel.ReadAsync(buffer);
                if (read <= 0) break;
                count(read);
                await to.Channel.WriteAsync(buffer.AsMemory(0, read));
                pool.Return(buffer);
                buffer = null;
                Moved();
            }

            await to.Channel.ShutdownAsync();
        }
        catch (IOException)
        {
            Close();
        }
        finally
        {
            if (buffer is not null) pool.Return(buffer);
        }
    }

    private void Moved() => clock.Expect(isRequest: true, idle, ExchangeErrors.TunnelIdle);

    private void Close()
    {
        client.Channel.Close();
        upstream.Channel.Close();
    }
}
