// `bimetal build DIR`: everything but the command line itself.

namespace Bimetal.Plugins.Bundles;

/// <summary>Builds a plugin folder and prints what was built.</summary>
public static class BuildCommandRunner
{
    /// <param name="path">The plugin folder.</param>
    /// <param name="targetNames">Targets such as <c>wasm</c> and <c>linux-x64</c>; empty: both metals of this machine.</param>
    /// <returns>0; 1 when it does not build; 2 for an unknown target.</returns>
    public static async Task<int> RunAsync(string path, IReadOnlyList<string> targetNames, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        var targets = targetNames.Select(name => (Name: name, Target: BuildTarget.Find(name))).ToList();
        if (targets.Find(target => target.Target is null) is { Name: { } unknown })
        {
            await error.WriteLineAsync($"unknown target {unknown}; there are: {string.Join(", ", BuildTarget.All)}");
            return Wasm.Engine.ExitCodes.WrongUsage;
        }

        try
        {
            var folder = PluginFolder.Open(path);
            var results = await PluginBuilder.BuildAsync(
                folder, targets.Count == 0 ? null : [.. targets.Select(target => target.Target!)], new LineProgress(error), cancellation);
            foreach (var result in results)
            {
                if (result.Messages.Length > 0) await error.WriteLineAsync(result.Messages.TrimEnd());
                await output.WriteLineAsync($"{result.Target.Name,-12} {result.SizeBytes,10:N0} bytes {result.Time.TotalSeconds,7:0.00} s  {result.Path}");
            }

            return Wasm.Engine.ExitCodes.Success;
        }
        catch (PluginLoadException exception)
        {
            await error.WriteLineAsync(exception.Message);
            return Wasm.Engine.ExitCodes.Failure;
        }
    }
}
