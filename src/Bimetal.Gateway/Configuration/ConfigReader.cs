// Reads a configuration file: YAML with lines (YamlStream) -> checked, immutable GatewayConfig. Each section has a reader beside this file.

using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Profiles;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

/// <summary>The entry: every finding of a file is reported at once.</summary>
public static class ConfigReader
{
    /// <summary>Largest configuration file; 10,000 routes need about 2 MiB.</summary>
    public const int MaximumFileBytes = 32 << 20;

    /// <summary>Less holds hardly an instance.</summary>
    private const long LeastPluginMemoryBytes = 1 << 20;

    /// <summary>Reads a file. Never throws for what is in it or for a file that cannot be read.</summary>
    /// <param name="opensBundles">Whether the plugins that it names are looked at as well, as far as that goes without running them.</param>
    public static ConfigResult Read(string path, bool opensBundles = false)
    {
        var report = new ConfigReport(path, "/");
        try
        {
            report = new ConfigReport(path, Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/") { OpensBundles = opensBundles };
            if (new FileInfo(path) is { Exists: true, Length: > MaximumFileBytes })
            {
                report.Error(0, "", $"the file is larger than {MaximumFileBytes >> 20} MiB");
                return Failed(report);
            }

            return Parse(File.ReadAllText(path), report);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            report.Error(0, "", "cannot be read: " + exception.Message, "name a configuration file that exists");
            return Failed(report);
        }
    }

    /// <summary>Reads a configuration from text; <paramref name="file"/> is what errors call it.</summary>
    /// <param name="folder">Absolute; relative paths in the text are resolved against it.</param>
    public static ConfigResult Parse(string text, string file, string folder) => Parse(text, new ConfigReport(file, folder));

    private static ConfigResult Parse(string text, ConfigReport report)
    {
        var stream = new YamlStream();
        try
        {
            using var reader = new StringReader(text);
            stream.Load(new DepthLimitedParser(reader));
        }
        catch (YamlException exception)
        {
            report.Error(exception.Start.Line, "", "not valid YAML: " + exception.Message, "mind the indentation (spaces, no tabs) and the quotes");
            return Failed(report);
        }

        if (stream.Documents.Count != 1) report.Error(0, "", $"has {stream.Documents.Count} YAML documents", "write exactly one");
        else if (ConfigMapping.From(stream.Documents[0].RootNode, "", report) is { } root) return WithText(ReadRoot(root, report), stream.Documents[0].RootNode);
        return Failed(report);
    }

    internal static ConfigResult ReadRoot(ConfigMapping root, ConfigReport report)
    {
        var listeners = ListenerReader.ReadListeners(root, report);
        var admin = ListenerReader.ReadAdmin(root, report.Folder);
        var telemetry = TelemetryReader.Read(root, report.Folder);
        var shutdown = ListenerReader.ReadShutdown(root);
        long? memory = ListenerReader.ReadMemory(root);
        var upstreams = UpstreamReader.Read(root, report);
        string profile = root.FilePath("profile") ?? Path.Combine(report.Folder, ProfileDocument.DefaultFileName);
        var plugins = PluginReader.Read(root, report.Folder, SignatureReader.Read(root, report.Folder), report);
        var redis = RedisReader.Read(root);
        var routes = RouteReader.Read(root, upstreams, plugins, report);
        RateLimitFilterReader.ReportMissingRedis(routes, redis, report);
        long pluginMemoryBytes = root.Size("plugin_memory", GatewayConfig.DefaultPluginMemoryBytes, LeastPluginMemoryBytes, long.MaxValue);
        root.Finish();
        RouteReader.ReportShadowed(routes, report);
        if (report.OpensBundles) PluginReader.CheckBundles(root, plugins, profile, report);
        if (report.Errors.Count > 0) return Failed(report);
        var config = new GatewayConfig
        {
            Listeners = listeners, Admin = admin, Telemetry = telemetry, Shutdown = shutdown, MemoryBytes = memory, Upstreams = upstreams, Plugins = plugins, Redis = redis, Routes = routes, Profile = profile, PluginMemoryBytes = pluginMemoryBytes, WatchedFiles = [.. report.Watched],
        };
        return new ConfigResult(config, [], report.Warnings);
    }

    private static ConfigResult WithText(ConfigResult result, YamlNode document) =>
        result.Config is null ? result : result with { Config = result.Config with { Text = RedactedText.Of(document) } };

    private static ConfigResult Failed(ConfigReport report) => new(null, report.Errors, report.Warnings);
}
