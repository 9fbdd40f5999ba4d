// `bimetal demo` and `bimetal demo --once`: the gateway's demo, and for --once a first receipt of each plugin.

using System.Net;
using Bimetal.Gateway;
using Bimetal.Gateway.Demo;
using Bimetal.Gateway.Operation;
using Bimetal.Gateway.Telemetry;
using Bimetal.Meter.Bench;
using Bimetal.Meter.Report;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Wasm.Engine;
using Microsoft.Extensions.Logging;

namespace Bimetal.Meter.Demo;

/// <summary>Shows the product at work, for people or as a check.</summary>
public static class DemoCommandRunner
{
    /// <summary>Serves until Ctrl-C.</summary>
    /// <param name="port">Port of the gateway on loopback; 0: any.</param>
    /// <returns>0 after Ctrl-C; 1 when it cannot start.</returns>
    public static async Task<int> RunAsync(int port, TextWriter output, TextWriter error)
    {
        using var stop = new StopSignal();
        return await GuardAsync(error, ExitCodes.Success, async () =>
        {
            var options = Options(error) with { Address = new IPEndPoint(IPAddress.Loopback, port) };
            await using var demo = await DemoGateway.StartAsync(options, stop.Token);
            foreach (string line in demo.Lines) await output.WriteLineAsync(line);
            await output.WriteLineAsync("\nCtrl-C stops it.");
            await output.FlushAsync();
            await stop.WaitAsync();
            return ExitCodes.Success;
        }, stop.Token);
    }

    /// <summary>Sends hundreds of requests through both metals of each plugin, compares the answers, and prints a first receipt of each.</summary>
    /// <returns>0 only if everything held.</returns>
    public static async Task<int> RunOnceAsync(TextWriter output, TextWriter error)
    {
        using var stop = new StopSignal();
        return await GuardAsync(error, ExitCodes.Failure, async () =>
        {
            // Hostile requests make plugins log; the lines would bury the result.
            var options = Options(error) with { Gateway = new GatewayOptions() };
            var result = await DemoOnce.RunAsync(options, stop.Token);
            foreach (string line in result.Lines) await output.WriteLineAsync(line);
            await output.WriteLineAsync();
            var request = BenchRequest.Of(["token-auth", "image-meta"], isFull: false) with { Processes = 0, Sessions = 1, WireTime = TimeSpan.Zero, MeasuresPeers = false, Ablates = false };
            var report = await BenchRunner.RunAsync(request, options.Progress, stop.Token);
            await output.WriteAsync(BenchTable.Write(report));
            bool held = result.HasHeld && report.Tasks.All(task => task.SameResult);
            await output.WriteLineAsync(held ? "everything held" : "NOT everything held");
            return held ? ExitCodes.Success : ExitCodes.Failure;
        }, stop.Token);
    }

    private static DemoOptions Options(TextWriter error)
    {
        var log = new LineLog(error, LogLevel.Warning);
        return new DemoOptions
        {
            PluginsFolder = DemoOptions.FindPluginsFolder(),
            Gateway = new GatewayOptions { Log = log },
            Progress = new LineProgress(error),
        };
    }

    private static async Task<int> GuardAsync(TextWriter error, int codeWhenStopped, Func<Task<int>> work, CancellationToken stopped)
    {
        try
        {
            return await work();
        }
        catch (Exception exception) when (exception is PluginLoadException or GatewayStartException or IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync(exception.Message);
            return ExitCodes.Failure;
        }
        catch (OperationCanceledException) when (stopped.IsCancellationRequested)
        {
            return codeWhenStopped;
        }
    }
}
