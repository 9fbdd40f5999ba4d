// A real redis-server on a free loopback port, for one test; it can be killed and started again.

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests.Support;

internal sealed class RedisServer : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _options;
    private Process? _process;

    private RedisServer(string options) => _options = options;

    public int Port { get; private set; }

    public string Address => $"127.0.0.1:{Port}";

    /// <param name="options">Further options of the command line.</param>
    public static async Task<RedisServer> StartAsync(string options = "")
    {
        var server = new RedisServer(options);
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            server.Port = ((IPEndPoint)probe.LocalEndpoint).Port;
        }

        await server.StartAgainAsync();
        return server;
    }

    public async Task StartAgainAsync()
    {
        var start = new ProcessStartInfo("redis-server", $"--port {Port} --bind 127.0.0.1 --appendonly no --dir {_folder.Path} --logfile redis.log {_options}") { RedirectStandardOutput = true };
        _process = Process.Start(start)!;
        var deadline = Stopwatch.StartNew();
        while (deadline.Elapsed < TimeSpan.FromSeconds(20))
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, Port);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(20);
            }
        }

        throw new TimeoutException("redis-server does not listen");
    }

    public async Task KillAsync()
    {
        if (_process is not { } process) return;
        _process = null;
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _folder.Dispose();
    }
}
