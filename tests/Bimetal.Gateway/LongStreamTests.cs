// Event streams and long bodies through every pair of versions, with and without TLS: each event arrives when it was sent, and who is slow holds the
// other side back.

using System.Net;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests;

[Collection(AloneCollection.Name)]
public sealed class LongStreamTests
{
    private const int PieceBytes = 64 << 10;
    private const long EndlessBytes = 1L << 30;

    // What the buffers of the kernel and the gateway's named limits can hold together; the body is many times that.
    private const long HeldBytes = 64 << 20;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, false, false)]
    [InlineData(false, false, true)]
    [InlineData(false, true, false)]
    [InlineData(false, true, true)]
    [InlineData(true, false, false)]
    [InlineData(true, false, true)]
    [InlineData(true, true, false)]
    [InlineData(true, true, true)]
    public async Task Events_ArriveOneByOne_BeforeTheNextIsSent(bool isEncrypted, bool isHttp2, bool isUpstreamHttp2)
    {
        const int events = 5;
        using var next = new SemaphoreSlim(0);
        await using var upstream = ProtocolPair.Upstream(
            isUpstreamHttp2, "text/event-stream",
            async (write, cancellation) =>
            {
                for (int number = 0; number < events; number++)
                {
                    await next.WaitAsync(cancellation);
                    await write(System.Text.Encoding.ASCII.GetBytes($"data: {number}\n\n"));
                }
            },
            out int port);
        await using var pair = await ProtocolPair.StartAsync(isEncrypted, isHttp2, port, isUpstreamHttp2);
        using var answer = await pair.Client.GetAsync("/attack", HttpCompletionOption.ResponseHeadersRead, Cancellation);
        Assert.Equal((isHttp2 ? HttpVersion.Version20 : HttpVersion.Version11, "text/event-stream"), (answer.Version, answer.Content.Headers.ContentType!.MediaType));
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(Cancellation));
        for (int number = 0; number < events; number++)
        {
            var line = reader.ReadLineAsync(Cancellation).AsTask();
            Assert.False(line.IsCompleted);
            next.Release();
            Assert.Equal("data: " + number, await line.WaitAsync(TimeSpan.FromSeconds(20), Cancellation));
            Assert.Equal("", await reader.ReadLineAsync(Cancellation));
        }

        Assert.Null(await reader.ReadLineAsync(Cancellation));
    }

    [Theory]
    [InlineData(false, false, true)]
    [InlineData(false, true, true)]
    [InlineData(true, false, false)]
    [InlineData(true, true, false)]
    [InlineData(true, true, true)]
    public async Task ClientThatReadsNothing_HoldsTheUpstreamBack(bool isEncrypted, bool isHttp2, bool isUpstreamHttp2)
    {
        long written = 0;
        await using var upstream = ProtocolPair.Upstream(isUpstreamHttp2, "text/plain", (write, _) => WritePiecesAsync(write, EndlessBytes, total => Interlocked.Exchange(ref written, total)), out int port);
        await using var pair = await ProtocolPair.StartAsync(isEncrypted, isHttp2, port, isUpstreamHttp2);
        using var answer = await pair.Client.GetAsync("/attack", HttpCompletionOption.ResponseHeadersRead, Cancellation);
        Assert.True(await Standstill.OfAsync(() => Interlocked.Read(ref written)) < HeldBytes);
        await using var body = await answer.Content.ReadAsStreamAsync(Cancellation);
        await body.ReadExactlyAsync(new byte[PieceBytes], Cancellation);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task UpstreamThatReadsNothing_HoldsTheClientBack(bool isEncrypted, bool isHttp2)
    {
        long written = 0;
        await using var upstream = new WireUpstream(call => Task.Delay(Timeout.Infinite, call.Cancellation));
        await using var pair = await ProtocolPair.StartAsync(isEncrypted, isHttp2, upstream.Port, isUpstreamHttp2: false);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        using var content = new Pieces(EndlessBytes, total => Interlocked.Exchange(ref written, total));
        var asking = pair.Client.PostAsync("/", content, stop.Token);
        Assert.True(await Standstill.OfAsync(() => Interlocked.Read(ref written)) < HeldBytes);
        Assert.False(asking.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => asking);
    }

    [Theory]
    [InlineData(false, true, false)]
    [InlineData(false, false, true)]
    [InlineData(true, false, false)]
    [InlineData(true, true, false)]
    [InlineData(true, true, true)]
    public async Task LargeResponse_PassesInFlatMemory(bool isEncrypted, bool isHttp2, bool isUpstreamHttp2)
    {
        const long length = 96L << 20;
        await using var upstream = ProtocolPair.Upstream(isUpstreamHttp2, "text/plain", (write, _) => WritePiecesAsync(write, length, _ => { }), out int port);
        await using var pair = await ProtocolPair.StartAsync(isEncrypted, isHttp2, port, isUpstreamHttp2);
        using var answer = await pair.Client.GetAsync("/attack", HttpCompletionOption.ResponseHeadersRead, Cancellation);
        await using var body = await answer.Content.ReadAsStreamAsync(Cancellation);
        var memory = new FlatMemory();
        byte[] buffer = new byte[PieceBytes];
        long received = 0;
        for (int count; (count = await body.ReadAsync(buffer, Cancellation)) > 0;)
        {
            received += count;
            memory.Look(received);
        }

        Assert.Equal(length, received);
        memory.Check();
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task LargeRequest_PassesInFlatMemory(bool isEncrypted, bool isHttp2)
    {
        const long length = 96L << 20;
        long received = 0;
        await using var upstream = new WireUpstream(async call =>
        {
            byte[] buffer = new byte[PieceBytes];
            for (received = PieceBytes; received < length;) received += await call.Connection.ReadAsync(buffer, call.Cancellation);
            await call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        });
        await using var pair = await ProtocolPair.StartAsync(isEncrypted, isHttp2, upstream.Port, isUpstreamHttp2: false);
        var memory = new FlatMemory();
        using var content = new Pieces(length, memory.Look);
        using var answer = await pair.Client.PostAsync("/", content, Cancellation);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        memory.Check();
    }

    private static async Task WritePiecesAsync(Func<byte[], Task> write, long length, Action<long> wrote)
    {
        byte[] piece = new byte[PieceBytes];
        for (long sent = 0; sent < length; sent += PieceBytes)
        {
            await write(piece);
            wrote(sent + PieceBytes);
        }
    }

    /// <summary>A request body that is made while it is sent; says after each piece how much of it there was.</summary>
    private sealed class Pieces(long length, Action<long> wrote) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            byte[] piece = new byte[PieceBytes];
            for (long sent = 0; sent < length; sent += PieceBytes)
            {
                await stream.WriteAsync(piece);
                wrote(sent + PieceBytes);
            }
        }

        protected override bool TryComputeLength(out long value)
        {
            value = length;
            return true;
        }
    }

    /// <summary>What is held while a body passes, looked at now and then.</summary>
    private sealed class FlatMemory
    {
        private const long EveryBytes = 24 << 20, LimitBytes = 16 << 20;

        private readonly long _before = GC.GetTotalMemory(forceFullCollection: true);
        private long _looked;
        private long _peak;

        /// <param name="passed">How much has passed in all.</param>
        public void Look(long passed)
        {
            if (passed - _looked < EveryBytes) return;
            _looked = passed;
            _peak = Math.Max(_peak, GC.GetTotalMemory(forceFullCollection: true) - _before);
        }

        public void Check() => Assert.True(_peak < LimitBytes, $"{_peak >> 20} MiB were held");
    }
}
