// `bimetal try FILE.wasm`: everything but the command line itself.

using System.Diagnostics;
using System.Globalization;
using System.Text;
using Bimetal.Gateway;
using Bimetal.Gateway.Demo;
using Bimetal.Gateway.Operation;
using Bimetal.Gateway.Telemetry;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;
using Bimetal.Wasm.Engine;
using Microsoft.Extensions.Logging;

namespace Bimetal.Meter.Demo;

/// <summary>What `try` was asked for.</summary>
/// <param name="Path">A .wasm file or a plugin folder.</param>
/// <param name="Upstream">Null: one that shows what reached it.</param>
/// <param name="Configuration">Null: none, or that of the folder's first case.</param>
/// <param name="RootId">Null: none, or that of the folder.</param>
/// <param name="Port">On loopback; a free one when it is in use.</param>
public sealed record TryRequest(string Path, string? Upstream, string? Configuration, string? RootId, int Port);

/// <summary>Serves one plugin until it is stopped, and prints what it costs.</summary>
public static class TryCommandRunner
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    /// <returns>0 after Ctrl-C; 1 when it cannot start; 2 for an upstream that is no URL.</returns>
    public static async Task<int> RunAsync(TryRequest request, TextWriter output, TextWriter error)
    {
        using var stop = new StopSignal();
        return await RunAsync(request, output, error, stop.Token);
    }

    /// <summary>The same, until a token says so.</summary>
    public static async Task<int> RunAsync(TryRequest request, TextWriter output, TextWriter error, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!TryReadUpstream(request.Upstream, out var upstream))
        {
            await error.WriteLineAsync($"--upstream {request.Upstream}: must be a URL without a path, such as http://127.0.0.1:9000");
            return ExitCodes.WrongUsage;
        }

        try
        {
            var log = new LineLog(error, LogLevel.Information);
            var services = new PluginHostServices { Log = log, MeasureOneIn = 1 };
            var config = await ConfigAsync(request, new LineProgress(error), stop);
            string cold = await ColdReceiptAsync(config, services, stop);
            var options = new GatewayOptions { Log = new LineLog(error, LogLevel.Warning), PluginServices = services };
            await using var running = await TryGateway.StartAsync(config, upstream, request.Port, options, stop);
            await output.WriteLineAsync(cold);
            await output.WriteLineAsync($"http://{running.Address}  ->  {config.Name}  ->  {request.Upstream ?? "an upstream that shows what reached it"}");
            await output.WriteLineAsync($"try: curl -i http://{running.Address}/      Ctrl-C stops it.");
            await FollowAsync(new TryReceipt(running.Plugin), output, stop);
            return ExitCodes.Success;
        }
        catch (Exception exception) when (exception is PluginLoadException or GatewayStartException or IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync(exception.Message);
            return ExitCodes.Failure;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCodes.Success;
        }
    }

    private static bool TryReadUpstream(string? text, out Uri? upstream)
    {
        upstream = null;
        if (text is null) return true;
        return Uri.TryCreate(text, UriKind.Absolute, out upstream) && upstream.Scheme is "http" or "https" && upstream.PathAndQuery == "/";
    }

    private static async Task<PluginConfig> ConfigAsync(TryRequest request, IProgress<string> progress, CancellationToken stop)
    {
        string path = Path.GetFullPath(request.Path);
        var config = new PluginConfig
        {
            Name = "plugin", Bundle = path, Configuration = Encoding.UTF8.GetBytes(request.Configuration ?? ""), RootId = request.RootId ?? "",
        };
        if (!PluginFolder.IsOne(path)) return config;
        var folder = PluginFolder.Open(path);
        await PluginBuilder.EnsureAsync(folder, [BuildTarget.Wasm], progress, stop);
        string configuration = request.Configuration ?? (CaseReader.ReadAll(folder) is [var first, ..] ? first.Configuration : "");
        return config with { Name = folder.Manifest.Name, Configuration = Encoding.UTF8.GetBytes(configuration) };
    }

    // Loaded once to compile it, if the cache lacks its code, and once from the cache: what every start but the first costs.
    private static async Task<string> ColdReceiptAsync(PluginConfig config, PluginHostServices services, CancellationToken stop) =>
        $"cold: first load {await LoadAsync(config, services, stop)}\n      again      {await LoadAsync(config, services, stop)}";

    private static async Task<string> LoadAsync(PluginConfig config, PluginHostServices services, CancellationToken stop)
    {
        long started = Stopwatch.GetTimestamp();
        await using var plugin = await PluginLoader.LoadAsync(config, services, stop);
        string total = Milliseconds(Stopwatch.GetElapsedTime(started));
        return $"{total} ms: {string.Join(" + ", plugin.LoadStages.Select(one => $"{one.Stage} {Milliseconds(one.Time)}"))}";
    }

    private static string Milliseconds(TimeSpan time) => time.TotalMilliseconds.ToString("0.00", CultureInfo.InvariantCulture);

    private static async Task FollowAsync(TryReceipt receipt, TextWriter output, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(s_interval, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (receipt.Next() is not { } line) continue;
            await output.WriteLineAsync(line);
            await output.FlushAsync(CancellationToken.None);
        }
    }
}
