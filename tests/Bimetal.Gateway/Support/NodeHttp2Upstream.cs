// node's HTTP/2 server as an upstream, for one test: see Http2/upstream.mjs.

using System.Diagnostics;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests.Support;

internal sealed class NodeHttp2Upstream : IAsyncDisposable
{
    private readonly Process _process;

    private NodeHttp2Upstream(Process process) => _process = process;

    public int Port { get; private init; }

    /// <param name="arguments">Files of a certificate and its key; none: plain HTTP/2.</param>
    public static async Task<NodeHttp2Upstream> StartAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("node", [Path.Combine(Repository.Root, "tests", "Bimetal.Gateway", "Http2", "upstream.mjs"), .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        var process = Process.Start(start)!;
        string port = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)) ?? throw new EndOfStreamException("node ended");
        return new NodeHttp2Upstream(process) { Port = int.Parse(port, System.Globalization.CultureInfo.InvariantCulture) };
    }

    /// <summary><c>goaway</c> or <c>destroy</c>; done when node has done it.</summary>
    public async Task CommandAsync(string command)
    {
        await _process.StandardInput.WriteLineAsync(command);
        Assert.Equal(command, await _process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)));
    }

    public async ValueTask DisposeAsync()
    {
        // It ends with its input.
        _process.StandardInput.Close();
        try
        {
            await _process.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
