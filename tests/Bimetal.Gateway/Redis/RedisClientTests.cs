// The client against a real server, which is killed and started again, and against servers that lie.

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Redis;
using Bimetal.Gateway.Telemetry;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests.Redis;

public sealed class RedisClientTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task ManyCommandsAtOnce_GetTheirOwnReplies()
    {
        await using var server = await RedisServer.StartAsync();
        await using var client = Client(server.Port);
        await UntilAnsweredAsync(client);
        var replies = await Task.WhenAll(Enumerable.Range(0, 2000).Select(number => client.SendAsync(RespCommand.Of("ECHO", "value " + number))));
        for (int number = 0; number < replies.Length; number++) Assert.Equal("value " + number, replies[number]!.Text);
    }

    [Fact]
    public async Task PasswordAndDatabase_AreUsed_AndAWrongPasswordIsNoConnection()
    {
        await using var server = await RedisServer.StartAsync("--requirepass s3cret");
        await using var first = Client(server.Port, config => config with { Password = "s3cret", Database = 3 });
        await UntilAnsweredAsync(first);
        Assert.True((await first.SendAsync(RespCommand.Of("SET", "k", "in three")))!.IsOk);
        await using var second = Client(server.Port, config => config with { User = "default", Password = "s3cret" });
        await UntilAnsweredAsync(second);
        Assert.Null((await second.SendAsync(RespCommand.Of("GET", "k")))!.Bytes);
        foreach (string password in (string[])["wrong", ""])
        {
            var log = new LogText();
            await using var refused = Client(server.Port, config => config with { Password = password }, log);
            await UntilAsync(() => log.ToString().Contains("is away", StringComparison.Ordinal));
            Assert.Null(await refused.SendAsync(RespCommand.Of("PING")));
            Assert.Contains(password.Length > 0 ? "AUTH: WRONGPASS" : "PING: NOAUTH", log.ToString());
        }
    }

    [Fact]
    public async Task KilledServer_IsAwayAtOnce_AndTakenUpAgain()
    {
        await using var server = await RedisServer.StartAsync();
        var log = new LogText();
        await using var client = Client(server.Port, null, log);
        await UntilAnsweredAsync(client);
        await server.KillAsync();
        await UntilAsync(() => log.ToString().Contains("is away", StringComparison.Ordinal));
        var clock = Stopwatch.StartNew();
        for (int number = 0; number < 100; number++) Assert.Null(await client.SendAsync(RespCommand.Of("PING")));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), "commands wait for a server that is away");
        await server.StartAgainAsync();
        await UntilAnsweredAsync(client);
        Assert.Contains("is back", log.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("+PO")]
    [InlineData("$999999999\r\n")]
    [InlineData("*999999\r\n")]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n")]
    [InlineData(":1\r\n")]
    [InlineData("*1\r\n+PONG\r\n")]
    [InlineData("+PONG\r\n+PONG\r\n")]
    [InlineData("-LOADING Redis is loading the dataset in memory\r\n")]
    public async Task ServerThatAnswersNonsense_IsAway_AndNotAskedAllTheTime(string answer)
    {
        await using var liar = new Liar(answer);
        await using var client = Client(liar.Port, config => config with { Timeout = TimeSpan.FromMilliseconds(50) });
        for (int round = 0; round < 10; round++)
        {
            await client.SendAsync(RespCommand.Of("PING")).WaitAsync(Patience);
            await Task.Delay(20);
        }

        Assert.InRange(liar.ConnectionCount, 1, 12);
    }

    [Fact]
    public async Task SilentServer_IsGivenUpAfterTheTimeout()
    {
        await using var liar = new Liar("+PONG\r\n");
        await using var client = Client(liar.Port, config => config with { Timeout = TimeSpan.FromMilliseconds(50) });
        await UntilAsync(() => liar.ConnectionCount > 0);
        await Task.Delay(50);

        // The liar answers only once per connection.
        Assert.Null(await client.SendAsync(RespCommand.Of("PING")).WaitAsync(Patience));
    }

    [Fact]
    public async Task NobodyListens_IsNoError()
    {
        await using var client = Client(1);
        Assert.Null(await client.SendAsync(RespCommand.Of("PING")));
    }

    private static RedisClient Client(int port, Func<RedisConfig, RedisConfig>? change = null, LogText? log = null)
    {
        // Generous: this machine may be busy.
        var config = new RedisConfig(new IPEndPoint(IPAddress.Loopback, port), "test") { Timeout = TimeSpan.FromSeconds(5), ConnectTimeout = TimeSpan.FromSeconds(5) };
        return new RedisClient(change?.Invoke(config) ?? config, new LineLog(log ?? new LogText()), TimeProvider.System);
    }

    private static async Task UntilAnsweredAsync(RedisClient client)
    {
        var clock = Stopwatch.StartNew();
        while (await client.SendAsync(RespCommand.Of("PING")) is null)
        {
            Assert.True(clock.Elapsed < Patience, "the server is not taken up");
            await Task.Delay(10);
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.Elapsed < Patience, "it did not happen");
            await Task.Delay(10);
        }
    }

    /// <summary>Answers the first bytes of each connection with a text, and then says nothing.</summary>
    private sealed class Liar : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly List<TcpClient> _clients = [];
        private readonly Task _serving;
        private int _connectionCount;

        public Liar(string answer)
        {
            _listener.Start();
            _serving = ServeAsync(Encoding.Latin1.GetBytes(answer));
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public int ConnectionCount => Volatile.Read(ref _connectionCount);

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _serving;
            foreach (var client in _clients) client.Dispose();
        }

        private async Task ServeAsync(byte[] answer)
        {
            try
            {
                while (true)
                {
                    var client = await _listener.AcceptTcpClientAsync();
                    _clients.Add(client);
                    Interlocked.Increment(ref _connectionCount);
                    _ = AnswerAsync(client, answer);
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // Stopped.
            }
        }

        private static async Task AnswerAsync(TcpClient client, byte[] answer)
        {
            try
            {
                if (await client.GetStream().ReadAsync(new byte[1024]) > 0) await client.GetStream().WriteAsync(answer);
            }
            catch (Exception exception) when (exception is IOException or ObjectDisposedException)
            {
                // The client gave up.
            }
        }
    }
}
