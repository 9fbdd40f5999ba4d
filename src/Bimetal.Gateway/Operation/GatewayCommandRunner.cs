// `bimetal run CONFIG` and `bimetal check CONFIG`: everything but the command line itself.

using System.Runtime.InteropServices;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Telemetry;
using Bimetal.Plugins;
using Bimetal.Wasm.Engine;

namespace Bimetal.Gateway.Operation;

/// <summary>Runs a gateway until it is told to stop, or only reads its configuration.</summary>
public static class GatewayCommandRunner
{
    // SIGUSR1 on Linux; .NET has no name for it.
    private const int UserSignal1 = 10;

    /// <summary>
    /// Serves until SIGTERM or SIGINT, then drains; a second signal ends at once. Reads the configuration again on SIGHUP, when the file
    /// changes, and when the admin listener is asked to; opens its log file again on SIGUSR1.
    /// </summary>
    /// <returns>0 after a stop; 1 when it cannot start; 2 for a wrong configuration.</returns>
    public static async Task<int> RunAsync(string path, TextWriter error)
    {
        if (ReadConfig(path, error) is not { } config) return ExitCodes.WrongUsage;
        var log = new LineLog(error);
        using var stop = new StopSignal();
        using var notify = ServiceNotify.FromEnvironment(Environment.GetEnvironmentVariable);
        try
        {
            var options = new GatewayOptions
            {
                Log = log,
                PluginServices = new PluginHostServices { Log = log },
                ReadConfiguration = () => ConfigReader.Read(path),
                Notify = notify,
            };
            await using var host = await GatewayHost.StartAsync(config, options, stop.Token);
            notify?.Ready("serving");
            await ServeAsync(host, path, stop);
            notify?.Stopping();
            await DrainAsync(host, log);
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

    // A profile that is written anew changes what metal: auto means.
    private static IReadOnlyList<string> WatchedBy(string path, GatewayConfig config) =>
        config.Profile is { } profile && config.Plugins.Values.Any(plugin => plugin.Metal == MetalChoice.Auto) ? [path, profile, .. config.WatchedFiles] : [path, .. config.WatchedFiles];

    /// <summary>Reads a configuration, opens the plugins that it names, and prints every error and warning.</summary>
    /// <returns>0 when it could be run; otherwise 2.</returns>
    public static int Check(string path, TextWriter output, TextWriter error)
    {
        if (ReadConfig(path, error, opensBundles: true) is not { } config) return ExitCodes.WrongUsage;
        output.WriteLine($"{path}: good: {config.Listeners.Count} listeners, {config.Routes.Count} routes, {config.Upstreams.Count} upstreams, {config.Plugins.Count} plugins");
        return ExitCodes.Success;
    }

    private static async Task ServeAsync(GatewayHost host, string path, StopSignal stop)
    {
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            _ = host.Reloader.ReloadAsync("SIGHUP");
        });
        using var reopen = PosixSignalRegistration.Create((PosixSignal)UserSignal1, context =>
        {
            context.Cancel = true;
            host.ReopenLogs();
        });
        await using var watch = new FileWatch(() => WatchedBy(path, host.Model.Config), GatewayLimits.FileWatchInterval, () => host.Reloader.ReloadAsync("file"));
        await stop.WaitAsync();
    }

    private static async Task DrainAsync(GatewayHost host, LineLog log)
    {
        var shutdown = host.Model.Config.Shutdown;
        if (shutdown.Delay > TimeSpan.Zero)
        {
            host.BeginDrain();
            GatewayLog.Leaving(log, shutdown.Delay.TotalSeconds);
            await Task.Delay(shutdown.Delay);
        }

        await host.StopAsync(shutdown.Drain);
    }

    private static GatewayConfig? ReadConfig(string path, TextWriter error, bool opensBundles = false)
    {
        var result = ConfigReader.Read(path, opensBundles);
        foreach (var warning in result.Warnings) error.WriteLine($"{warning} (warning)");
        foreach (var finding in result.Errors) error.WriteLine(finding);
        return result.Config;
    }
}
