// The best native build of a plugin, so that native is not hobbled by the portability that both metals share.

using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Meter.Bench;

/// <summary>A shared object that does the same as the plugin.</summary>
/// <param name="Path">The file.</param>
/// <param name="Build">How it was made, for the report.</param>
internal sealed record NativeBest(string Path, string Build)
{
    /// <summary>Builds it and holds it against the plugin's own native build; null where there is none, or where it answers differently.</summary>
    public static async Task<NativeBest?> TryBuildAsync(BenchSubject subject, IProgress<string>? progress, CancellationToken cancellation)
    {
        if (!subject.MayRunNative) return null;
        try
        {
            var (path, isTuned) = await FunctionBuilder.BuildBestAsync(subject.Folder!, cancellation);
            int odd = await CountDifferencesAsync(subject, path, cancellation);
            if (odd > 0) throw new PluginLoadException($"it answers {odd} cases differently");
            return new NativeBest(path, isTuned ? "tuned by hand (bench/best), -O3 -march=native" : "the same source, -O3 -march=native");
        }
        catch (PluginLoadException exception)
        {
            progress?.Report($"{subject.Name}: no best native build: {exception.Message}");
            return null;
        }
    }

    private static async Task<int> CountDifferencesAsync(BenchSubject subject, string path, CancellationToken cancellation)
    {
        await using var workload = await PluginWorkload.LoadAsync(subject, [Arrangement.Native, Arrangement.NativeBest], path, cancellation);
        return subject.Cases.Count(one => !CaseExchange.Run(workload[Arrangement.Native], one).SameAs(CaseExchange.Run(workload[Arrangement.NativeBest], one)));
    }
}
