// The gateway's client of a Redis server: one connection, kept alive in the background. While there is none, commands get null at once, so that nobody
// waits for a server that is away.

using System.Net.Sockets;
using Bimetal.Gateway.Configuration;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Redis;

/// <summary>Thread-safe.</summary>
internal sealed partial class RedisClient : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly RedisConfig _config;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private RedisConnection? _connection;
    private bool _isAwayReported;

    public RedisClient(RedisConfig config, ILogger log, TimeProvider time)
    {
        _config = config;
        _log = log;
        _time = time;
        _running = Task.Run(RunAsync);
    }

    /// <summary>Sends a command made by <see cref="RespCommand"/>; null: the server is away, or did not answer in time.</summary>
    public Task<RespValue?> SendAsync(ReadOnlySpan<byte> command) =>
        Volatile.Read(ref _connection) is { } connection ? connection.SendAsync(command) : Task.FromResult<RespValue?>(null);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var pause = FirstPause;
        while (!_stop.IsCancellationRequested)
        {
            string problem;
            long begun = _time.GetTimestamp();
            try
            {
                problem = await ServeAsync();
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException or IOException)
            {
                problem = exception is OperationCanceledException ? "no connection in time" : exception.Message;
            }

            if (_stop.IsCancellationRequested) return;
            if (!_isAwayReported) ServerAway(_log, _config.Name, problem);
            _isAwayReported = true;

            // A connection that held for a while broke by accident; one that breaks at once will do so again.
            if (_time.GetElapsedTime(begun) > LongestPause) pause = FirstPause;
            await Task.Delay(pause * (0.5 + Random.Shared.NextDouble()), _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Connects, and waits until the connection ends; the reason.</summary>
    private async Task<string> ServeAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        RedisConnection connection;
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            limit.CancelAfter(_config.ConnectTimeout);
            await socket.ConnectAsync(_config.Address, limit.Token);
            connection = new RedisConnection(socket, _config.Timeout, _time);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        using var stopping = _stop.Token.UnsafeRegister(static connection => ((RedisConnection)connection!).Break("the gateway ends it"), connection);
        if (await GreetAsync(connection) is { } refusal)
        {
            connection.Break(refusal);
            return refusal;
        }

        Volatile.Write(ref _connection, connection);
        if (_isAwayReported) ServerBack(_log, _config.Name);
        _isAwayReported = false;
        string problem = await connection.Broken;
        Volatile.Write(ref _connection, null);
        return problem;
    }

    private async Task<string?> GreetAsync(RedisConnection connection)
    {
        if (_config.Password.Length > 0)
        {
            byte[] command = _config.User.Length > 0 ? RespCommand.Of("AUTH", _config.User, _config.Password) : RespCommand.Of("AUTH", _config.Password);
            if (await RefusalAsync(connection, command) is { } refusal) return "AUTH: " + refusal;
        }

        if (_config.Database > 0 && await RefusalAsync(connection, RespCommand.Of("SELECT", _config.Database.ToString())) is { } unknown) return "SELECT: " + unknown;

        // A server that wants a password says so now, not with the first request.
        var pong = await connection.SendAsync(RespCommand.Of("PING"));
        return pong?.Kind == RespKind.Simple ? null : "PING: " + (pong?.Text ?? "no reply");
    }

    private static async Task<string?> RefusalAsync(RedisConnection connection, byte[] command)
    {
        var reply = await connection.SendAsync(command);
        return reply is { IsOk: true } ? null : reply?.Text ?? "no reply";
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "redis {Server} is away: {Problem}")]
    private static partial void ServerAway(ILogger log, string server, string problem);

    [LoggerMessage(Level = LogLevel.Information, Message = "redis {Server} is back")]
    private static partial void ServerBack(ILogger log, string server);
}
