// Bodies pass in pieces: memory stays flat whatever their size, and a slow reader slows the sender down.

using Bimetal.Gateway.Tests.Support;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Tests;

[Collection(AloneCollection.Name)]
public sealed class StreamingTests
{
    private const int PieceBytes = 64 << 10;
    private const long BodyBytes = 128L << 20;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task LargeResponse_PassesInFlatMemory(bool throughPlugin)
    {
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {BodyBytes}\r\n\r\n");
            byte[] piece = new byte[PieceBytes];
            for (long sent = 0; sent < BodyBytes; sent += piece.Length) await call.Connection.WriteAsync(piece, call.Cancellation);
        });
        var plugin = new FakePlugin { Name = "see", ResponseBody = throughPlugin ? static _ => FilterAction.Continue : null };
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
        var head = await client.Reader.ReadHeadAsync(client.Cancellation);
        Assert.Equal(throughPlugin, head!.IsChunked);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        long peak = 0;
        byte[] buffer = new byte[PieceBytes];
        for (long received = 0; received < BodyBytes - (2 * PieceBytes);)
        {
            received += await client.Stream.ReadAsync(buffer, client.Cancellation);
            if (received % (32 << 20) < PieceBytes) peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: true) - before);
        }

        Assert.True(peak < 16 << 20, $"{peak >> 20} MiB held while {BodyBytes >> 20} MiB passed");
    }

    [Fact]
    public async Task LargeRequest_PassesInFlatMemory()
    {
        await using var upstream = new WireUpstream(async call =>
        {
            byte[] buffer = new byte[PieceBytes];
            long received = PieceBytes; // what the reader of the head may have taken already
            while (received < BodyBytes) received += await call.Connection.ReadAsync(buffer, call.Cancellation);
            await call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        });
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync($"POST / HTTP/1.1\r\nhost: test\r\ncontent-length: {BodyBytes}\r\n\r\n");
        long before = GC.GetTotalMemory(forceFullCollection: true);
        long peak = 0;
        byte[] piece = new byte[PieceBytes];
        for (long sent = 0; sent < BodyBytes; sent += piece.Length)
        {
            await client.Stream.WriteAsync(piece, client.Cancellation);
            if (sent % (32 << 20) < PieceBytes) peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: true) - before);
        }

        Assert.True(peak < 16 << 20, $"{peak >> 20} MiB held while {BodyBytes >> 20} MiB passed");
        Assert.Equal(200, (await client.ReceiveAsync()).Status);
    }

    [Fact]
    public async Task SlowClient_HoldsTheUpstreamBack()
    {
        long sent = 0;
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {BodyBytes}\r\n\r\n");
            byte[] piece = new byte[PieceBytes];
            while (sent < BodyBytes)
            {
                await call.Connection.WriteAsync(piece, call.Cancellation);
                Interlocked.Add(ref sent, piece.Length);
            }
        });
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
        await client.Reader.ReadHeadAsync(client.Cancellation);
        // What socket buffers and the gateway's named limits can hold; the body is a multiple of it.
        long last = await Standstill.OfAsync(() => Interlocked.Read(ref sent));
        Assert.True(last < 64 << 20, $"{last >> 20} MiB were sent though the client reads nothing");
    }
}
