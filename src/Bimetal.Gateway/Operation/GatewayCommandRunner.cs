// `bimetal run CONFIG` and `bimetal check CONFIG`: everything but the command line itself.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Telemetry;
using Bimetal.Plugins;
using Bimetal.Wasm.Engine;

namespace Bimetal.Gateway.Operation;

/// <summary>Runs a gateway until it is told to stop, or only reads its configuration.</summary>
public static class GatewayCommandRunner
{
    /// <summary>How long requests in flight may take after the signal to stop.</summary>
    public static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(30);

    /// <summary>Serves until SIGTERM or SIGINT, then drains; a second signal ends at once.</summary>
    /// <returns>0 after a stop; 1 when it cannot start; 2 for a wrong configuration.</returns>
    public static async Task<int> RunAsync(string path, TextWriter error)
    {
        if (ReadConfig(path, error) is not { } config) return ExitCodes.WrongUsage;
        var log = new LineLog(error);
        var services = new PluginHostServices { Log = log };
        using var stop = new StopSignal();
        try
        {
            var options = new GatewayOptions { Log = log, LoadPlugin = (plugin, cancellation) => PluginLoader.LoadAsync(plugin, services, cancellation) };
            await using var host = await GatewayHost.StartAsync(config, options, stop.Token);
            await stop.WaitAsync();
            await host.StopAsync(DrainLimit);
            return ExitCodes.Success;
        }
        catch (GatewayStartException exception)
        {
            await error.WriteLineAsync(exception.Message);
            return ExitCodes.Failure;
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            return ExitCodes.Success;
        }
    }

    /// <summary>Reads a configuration and prints every error and warning.</summary>
    /// <returns>0 when it could be run; otherwise 2.</returns>
    public static int Check(string path, TextWriter output, TextWriter error)
    {
        if (ReadConfig(path, error) is not { } config) return ExitCodes.WrongUsage;
        output.WriteLine($"{path}: good: {config.Listeners.Count} listeners, {config.Routes.Count} routes, {config.Upstreams.Count} upstreams, {config.Plugins.Count} plugins");
        return ExitCodes.Success;
    }

    private static GatewayConfig? ReadConfig(string path, TextWriter error)
    {
        var result = ConfigReader.Read(path);
        foreach (var warning in result.Warnings) error.WriteLine($"{warning} (warning)");
        foreach (var finding in result.Errors) error.WriteLine(finding);
        return result.Config;
    }
}
