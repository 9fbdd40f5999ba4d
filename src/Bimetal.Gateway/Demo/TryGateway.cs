// `bimetal try`: a gateway whose only route leads through one wasm plugin, in front of an upstream of the user's or of its own.

using System.Net;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Listeners;
using Bimetal.Plugins;

namespace Bimetal.Gateway.Demo;

/// <summary>A running one. Dispose it to stop everything.</summary>
public sealed class TryGateway : IAsyncDisposable
{
    private const string UpstreamName = "upstream";

    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(5);

    private readonly GatewayHost _host;
    private readonly HttpServer? _upstream;

    private TryGateway(GatewayHost host, HttpServer? upstream)
    {
        _host = host;
        _upstream = upstream;
    }

    public IPEndPoint Address => _host.Listeners[0].Address;

    public Plugin Plugin => _host.Plugins.Values.Single();

    /// <summary>Starts a gateway.</summary>
    /// <param name="plugin">All that a stranger's plugin gets, with its file.</param>
    /// <param name="upstream">Null: one that shows the request that reached it.</param>
    /// <param name="port">On loopback; a free one when it is in use.</param>
    /// <exception cref="GatewayStartException">The plugin cannot be loaded.</exception>
    public static async Task<TryGateway> StartAsync(PluginConfig plugin, Uri? upstream, int port, GatewayOptions options, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(plugin);
        var own = upstream is null ? await DemoUpstream.StartAsync(imagesFolder: null, cancellation) : null;
        try
        {
            string endpoint = upstream?.GetLeftPart(UriPartial.Authority) ?? $"http://{own!.Bound.Address}";
            var host = await StartHostAsync(plugin, endpoint, port, options, cancellation);
            return new TryGateway(host, own);
        }
        catch
        {
            if (own is not null) await own.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(s_drain);
        if (_upstream is not null) await _upstream.DisposeAsync();
    }

    private static async Task<GatewayHost> StartHostAsync(PluginConfig plugin, string endpoint, int port, GatewayOptions options, CancellationToken cancellation)
    {
        try
        {
            return await GatewayHost.StartAsync(Config(plugin, endpoint, port), options, cancellation);
        }
        catch (GatewayStartException exception) when (exception.Message.Contains("in use", StringComparison.Ordinal))
        {
            return await GatewayHost.StartAsync(Config(plugin, endpoint, port: 0), options, cancellation);
        }
    }

    // Read from text, as a user's would be; only the plugin, whose strings are the user's, is put in as it is.
    private static GatewayConfig Config(PluginConfig plugin, string endpoint, int port)
    {
        string folder = Directory.CreateTempSubdirectory("bimetal-try-").FullName;
        string file = Path.Combine(folder, "gateway.yaml");
        try
        {
            // The reader looks whether the file of a plugin is there.
            File.WriteAllText(Path.Combine(folder, plugin.Name + ".wasm"), "");
            File.WriteAllText(file, $$"""
                listeners: [ { address: "127.0.0.1:{{port}}" } ]
                upstreams: { {{UpstreamName}}: { endpoints: ["{{endpoint}}"] } }
                plugins: { {{plugin.Name}}: { bundle: "{{plugin.Name}}.wasm" } }
                routes: [ { match: { path: "/{rest...}" }, filters: [ { plugin: {{plugin.Name}} } ], upstream: {{UpstreamName}} } ]
                """);
            var (config, errors) = ConfigReader.Read(file);
            if (config is null) throw new GatewayStartException(string.Join(Environment.NewLine, errors));
            return config with { Plugins = new Dictionary<string, PluginConfig>(StringComparer.Ordinal) { [plugin.Name] = plugin } };
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
