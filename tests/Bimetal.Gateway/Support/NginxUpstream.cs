// A real nginx on a free loopback port, for one test: answers everything once it has read it to its end, and its access log says how it judged what it got.

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests.Support;

internal sealed class NginxUpstream : IAsyncDisposable
{
    private const int Canaries = 4;

    private readonly TemporaryFolder _folder = new();
    private readonly Process _process;

    private NginxUpstream(int port)
    {
        Port = port;
        string config = _folder.Write(
            "nginx.conf",
            $$"""
            daemon off; master_process off; pid nginx.pid; error_log error.log;
            events { worker_connections 256; }
            http {
              log_format judged '$status $request_method $request_uri $http_host $content_length';
              access_log access.log judged;
              client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
              server { listen 127.0.0.1:{{port}}; location / { proxy_pass http://unix:{{_folder.Path}}/back; } }
              server { listen unix:{{_folder.Path}}/back; access_log off; location / { return 200 "$request_method $request_uri"; } }
            }
            """);
        _process = Process.Start(new ProcessStartInfo("nginx", ["-p", _folder.Path, "-e", "error.log", "-c", config]) { RedirectStandardError = true })!;
    }

    public int Port { get; }

    /// <summary>One line per request that nginx saw: status, method, target, host, content-length; dashes for what it could not read.</summary>
    public IReadOnlyList<string> Judged
    {
        get
        {
            string path = Path.Combine(_folder.Path, "access.log");
            if (!File.Exists(path)) return [];
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            string text = new StreamReader(stream).ReadToEnd();
            return text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
    }

    /// <summary>
    /// What nginx judged behind the first lines, without the requests that this sends itself: what is left on a kept connection to it would spoil those,
    /// as they come next on each of the loops.
    /// </summary>
    /// <returns>The lines, and how many there are by now.</returns>
    public async Task<(List<string> Judged, int Lines)> JudgedSinceAsync(TestGateway gateway, int seen, int number)
    {
        string canary = $"/canary-{number}";
        for (int count = 0; count < Canaries; count++) Assert.Equal($"GET {canary}", (await gateway.GetAsync(canary)).Text);
        while (true)
        {
            var lines = Judged.Skip(seen).ToList();
            if (lines.Count(line => line.Contains(canary, StringComparison.Ordinal)) == Canaries)
                return ([.. lines.Where(line => !line.Contains("/canary-", StringComparison.Ordinal) && !line.Contains("/sentinel", StringComparison.Ordinal))], seen + lines.Count);
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    public static async Task<NginxUpstream> StartAsync()
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await StartOnceAsync();
            }
            catch (TimeoutException exception) when (attempt < 3 && exception.Message.Contains("in use", StringComparison.Ordinal))
            {
                // Between looking for a free port and taking it, another one was faster.
            }
        }
    }

    private static async Task<NginxUpstream> StartOnceAsync()
    {
        int port;
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            port = ((IPEndPoint)probe.LocalEndpoint).Port;
        }

        var nginx = new NginxUpstream(port);
        var deadline = Stopwatch.StartNew();
        while (deadline.Elapsed < TimeSpan.FromSeconds(30) && !nginx._process.HasExited)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, port);
                return nginx;
            }
            catch (SocketException)
            {
                await Task.Delay(20);
            }
        }

        string problem = nginx._process.HasExited ? await nginx._process.StandardError.ReadToEndAsync() : "";
        await nginx.DisposeAsync();
        throw new TimeoutException("nginx does not listen " + problem);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Dispose();
    }
}
