// `bimetal demo`: the gateway in front of the demo's upstream, with lines that say what to try.

using System.Net;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Listeners;
using Bimetal.Plugins.Bundles;

namespace Bimetal.Gateway.Demo;

/// <summary>A running demo. Dispose it to stop everything and remove what it wrote.</summary>
public sealed class DemoGateway : IAsyncDisposable
{
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(5);

    private readonly HttpServer _upstream;
    private readonly string _folder;

    private DemoGateway(GatewayHost host, HttpServer upstream, string folder)
    {
        Host = host;
        _upstream = upstream;
        _folder = folder;
    }

    public GatewayHost Host { get; }

    /// <summary>The configuration that runs.</summary>
    public string ConfigurationPath => Path.Combine(_folder, "gateway.yaml");

    /// <summary>What to print: URLs, and commands to try.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            string url = $"http://{Host.Listeners[0].Address}";
            string token = DemoToken.Make("alice", DateTimeOffset.UtcNow.AddHours(1));
            return
            [
                $"gateway        {url}",
                $"admin          http://{Host.AdminAddress}/plugins",
                $"configuration  {ConfigurationPath}",
                "",
                "token-auth runs native on /api: without a token 401, with one the subject reaches the upstream",
                $"  curl -i {url}/api/hello",
                $"  curl -i -H 'authorization: Bearer {token}' {url}/api/hello",
                "",
                "image-meta runs on wasm on /images: type, size and orientation become response headers",
                $"  curl -sI -X GET {url}/images/photo-800x500.jpg",
                $"  curl -sI -X GET {url}/images/truncated-photo-800x500.jpg",
                $"  curl -s {url}/images/",
            ];
        }
    }

    /// <summary>Builds the plugins if needed and starts everything.</summary>
    /// <exception cref="Plugins.PluginLoadException">A plugin cannot be built.</exception>
    /// <exception cref="GatewayStartException">The gateway cannot start.</exception>
    public static async Task<DemoGateway> StartAsync(DemoOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var folders = await options.BuildPluginsAsync(cancellation);
        var upstream = await DemoUpstream.StartAsync(ImagesFolder(folders[1]), cancellation);
        string folder = Directory.CreateTempSubdirectory("bimetal-demo-").FullName;
        try
        {
            options.Progress?.Report("starting the gateway");
            var host = await StartHostAsync(options, upstream.Bound.Address, Path.Combine(folder, "gateway.yaml"), cancellation);
            return new DemoGateway(host, upstream, folder);
        }
        catch
        {
            await upstream.DisposeAsync();
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Host.StopAsync(Drain);
        await _upstream.DisposeAsync();
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    internal static string ImagesFolder(PluginFolder imageMeta) => Path.Combine(imageMeta.CasesFolder, "images");

    private static async Task<GatewayHost> StartHostAsync(DemoOptions options, IPEndPoint upstream, string path, CancellationToken cancellation)
    {
        try
        {
            return await GatewayHost.StartAsync(Write(path, options.Address, upstream, options), options.Gateway, cancellation);
        }
        catch (GatewayStartException exception) when (exception.Message.Contains("in use", StringComparison.Ordinal))
        {
            options.Progress?.Report($"{options.Address} is in use: taking a free port");
            return await GatewayHost.StartAsync(Write(path, new IPEndPoint(options.Address.Address, 0), upstream, options), options.Gateway, cancellation);
        }
    }

    private static GatewayConfig Write(string path, IPEndPoint listener, IPEndPoint upstream, DemoOptions options)
    {
        File.WriteAllText(path, DemoConfiguration.Text(listener, upstream, options));
        var (config, errors) = ConfigReader.Read(path);
        return config ?? throw new GatewayStartException(string.Join(Environment.NewLine, errors));
    }
}
