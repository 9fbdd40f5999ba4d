// What the demo needs to know: where the plugins are, and who gets its messages.

using System.Net;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;

namespace Bimetal.Gateway.Demo;

public sealed record DemoOptions
{
    /// <summary>Folder that holds token-auth and image-meta; <see cref="FindPluginsFolder"/> finds that of a checkout.</summary>
    public required string PluginsFolder { get; init; }

    /// <summary>Where the gateway listens; when the port is in use, a free one is taken.</summary>
    public IPEndPoint Address { get; init; } = new(IPAddress.Loopback, 8080);

    /// <summary>Logs and plugin services of the gateway.</summary>
    public GatewayOptions Gateway { get; init; } = new();

    /// <summary>Gets a line for each step that takes time.</summary>
    public IProgress<string>? Progress { get; init; }

    internal string TokenAuthFolder => Path.Combine(PluginsFolder, "token-auth");

    internal string ImageMetaFolder => Path.Combine(PluginsFolder, "image-meta");

    /// <summary>The folder plugins/ beside the SDK.</summary>
    /// <exception cref="PluginLoadException">There is no SDK, so no checkout.</exception>
    public static string FindPluginsFolder() => Path.GetFullPath(Path.Combine(SdkFolder.Find().Sources, "../../plugins"));

    /// <summary>Builds what is missing or stale of both plugins.</summary>
    /// <exception cref="PluginLoadException">A folder is missing, or its source does not compile.</exception>
    internal async Task<IReadOnlyList<PluginFolder>> BuildPluginsAsync(CancellationToken cancellation)
    {
        var folders = new List<PluginFolder>();
        foreach (string path in (ReadOnlySpan<string>)[TokenAuthFolder, ImageMetaFolder]) folders.Add(PluginFolder.Open(path));
        foreach (var folder in folders) await PluginBuilder.EnsureAsync(folder, targets: null, Progress, cancellation);
        return folders;
    }
}
