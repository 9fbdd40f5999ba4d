// The gateway's own filter that does a task's job, where there is one (bench/best/TASK.filter.yaml): measured beside the plugin, in the same rounds.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Filters;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Meter.Bench;

/// <summary>A built-in filter in place of a plugin.</summary>
/// <param name="Config">Its configuration.</param>
/// <param name="Name">As in a route.</param>
internal sealed record NativeFilter(FilterConfig Config, string Name)
{
    /// <summary>How it is built, for the report.</summary>
    public string Build => $"the built-in filter {Name}, C#";

    /// <summary>Finds it and holds it against what the measured cases expect; null where there is none, or where it does something else.</summary>
    public static async Task<NativeFilter?> TryFindAsync(BenchSubject subject, IProgress<string>? progress)
    {
        if (!subject.MayRunNative || SdkFolder.TryFind() is not { } sdk || subject.Folder!.Path != Path.Combine(sdk.Home, "plugins", subject.Name)) return null;
        string file = Path.Combine(sdk.Home, "bench", "best", subject.Name + ".filter.yaml");
        if (!File.Exists(file)) return null;
        var (config, errors) = ConfigReader.Parse(
            $"listeners: [ {{ address: 127.0.0.1:0 }} ]\nroutes:\n  - match: {{ path: \"/{{rest...}}\" }}\n    response: {{ body: ok }}\n    filters:\n      - {File.ReadAllText(file).Trim().ReplaceLineEndings("\n        ")}\n", file, sdk.Home);
        if (config is null) throw new PluginLoadException(string.Join(Environment.NewLine, errors));
        var found = new NativeFilter(config.Routes[0].Filters[0], "");
        await using var plugin = found.Make();
        foreach (var one in subject.Cases)
        {
            if (CaseExchange.Run(plugin, one).Mismatch(one) is not { } mismatch) continue;
            progress?.Report($"{subject.Name}: the built-in filter is not measured: {one.Name}: {mismatch}");
            return null;
        }

        return found with { Name = plugin.Name };
    }

    /// <summary>A filter of its own: what one has counted or remembered another does not know.</summary>
    public Plugin Make()
    {
        var detached = new DetachedFilter(Config);
        return new FilterPlugin(detached) { Name = detached.Filter.Name };
    }
}
