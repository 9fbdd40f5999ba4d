// `bimetal plan`: everything but the command line itself.

using Bimetal.Gateway.Configuration;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Wasm.Engine;

namespace Bimetal.Meter.Plan;

/// <summary>What the command was asked for.</summary>
/// <param name="Rps">Requests per second to plan for.</param>
/// <param name="CoreHourPrice">Null: no money is shown.</param>
/// <param name="Applies">Write the profile.</param>
/// <param name="WritesJson">JSON instead of the table.</param>
public sealed record PlanRequest(string Config, double Rps, double? CoreHourPrice, bool Applies, bool WritesJson)
{
    public const double DefaultRps = 1000;
}

/// <summary>Plans the metals of a configuration's plugins.</summary>
public static class PlanCommandRunner
{
    /// <returns>0; 1 when a route's budget does not fit, a plugin could not be measured, or the profile cannot be written; 2 for a wrong configuration.</returns>
    public static async Task<int> RunAsync(PlanRequest request, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        var result = ConfigReader.Read(request.Config);
        foreach (var finding in result.Errors) await error.WriteLineAsync(finding.ToString());
        if (result.Config is not { } config) return ExitCodes.WrongUsage;
        if (config.Plugins.Count == 0)
        {
            await error.WriteLineAsync($"{request.Config}: configures no plugins, so there is nothing to plan");
            return ExitCodes.Success;
        }

        try
        {
            var planner = new Planner(config, request.Config, request.Rps, request.CoreHourPrice, new LineProgress(error));
            var report = await planner.MakeAsync(cancellation);
            await output.WriteAsync(request.WritesJson ? report.ToJson() : PlanTable.Write(report));
            if (request.Applies)
            {
                planner.Document.Write(config.Profile!);
                await error.WriteLineAsync($"written: {config.Profile}; a gateway that runs this configuration takes it up");
            }

            foreach (var plugin in report.Plugins.Where(plugin => plugin.Problem is not null)) await error.WriteLineAsync($"{plugin.Plugin}: {plugin.Problem}");
            return report.Routes.All(route => route.Fits != false) && report.Plugins.All(plugin => plugin.Problem is null) ? ExitCodes.Success : ExitCodes.Failure;
        }
        catch (Exception exception) when (exception is PluginLoadException or IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync(exception.Message);
            return ExitCodes.Failure;
        }
    }
}
