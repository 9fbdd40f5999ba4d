// The published binary as `bimetal run`, with a configuration written by the test, and a client for it.

using System.Text.RegularExpressions;
using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

internal sealed partial class RunningGateway : IAsyncDisposable
{
    private const string Loopback = "127.0.0.1";

    private readonly TemporaryFolder _folder;
    private readonly string _listeners;
    private readonly BimetalProcess _process;

    private RunningGateway(TemporaryFolder folder, string listeners, BimetalProcess process, Uri address)
    {
        _listeners = listeners;
        _folder = folder;
        _process = process;
        Client = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(30) };
    }

    internal HttpClient Client { get; }

    internal BimetalProcess Process => _process;

    /// <summary>Starts on a free port. <paramref name="write"/> gets a private folder and returns the configuration below the listeners.</summary>
    internal static Task<RunningGateway> StartAsync(Func<TemporaryFolder, string> write, params (string Name, string Value)[] environment) => StartAsync(Loopback, write, environment);

    /// <param name="ip">A loopback address, which stands for a machine of its own.</param>
    internal static async Task<RunningGateway> StartAsync(string ip, Func<TemporaryFolder, string> write, params (string Name, string Value)[] environment)
    {
        var folder = new TemporaryFolder();
        string listeners = $"listeners: [ {{ address: {ip}:0 }} ]\n";
        string config = folder.Write("gateway.yaml", listeners + write(folder));
        var process = BimetalProcess.Start(["run", config], environment: environment);
        try
        {
            // Plugins may have to be compiled first.
            string address = await process.WaitForAsync(text => Listening().Match(text) is { Success: true } match ? match.Groups[1].Value : null, TimeSpan.FromMinutes(2));
            return new RunningGateway(folder, listeners, process, new Uri($"http://{address}"));
        }
        catch
        {
            process.Dispose();
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Replaces the configuration, below the listeners, as an editor does: a new file is renamed over the old one.</summary>
    internal void Rewrite(string configuration) => File.Move(_folder.Write("gateway.yaml.new", _listeners + configuration), Path.Combine(_folder.Path, "gateway.yaml"), overwrite: true);

    internal async Task<(int Status, string Body)> GetAsync(string path)
    {
        using var response = await Client.GetAsync(new Uri(path, UriKind.Relative));
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Ends it as a machine that loses power does.</summary>
    internal void Kill()
    {
        Client.Dispose();
        _process.Dispose();
        _folder.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _process.TerminateAsync(TimeSpan.FromSeconds(45));
        _process.Dispose();
        _folder.Dispose();
    }

    [GeneratedRegex(@"listening\D+?(127\.0\.0\.\d+:\d+)", RegexOptions.IgnoreCase)]
    private static partial Regex Listening();
}
