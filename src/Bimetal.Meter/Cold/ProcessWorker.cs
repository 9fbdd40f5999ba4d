// The other side of ColdProcess: what the fresh process does. Nothing before the first answer that a gateway would not do as well.

using System.Diagnostics;
using System.Globalization;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Meter.Cold;

/// <summary>Loads a plugin, serves one request, says so, and then says what it took of memory.</summary>
public static class ProcessWorker
{
    public const string CommandName = ColdProcess.CommandName;

    /// <summary>What a process can be asked for.</summary>
    public static string[] Kinds { get; } = ["native", "wasm", ColdProcess.Best, ColdProcess.Nothing];

    internal const string Served = "served";

    /// <summary>Streams that are begun at once to see what one of them takes.</summary>
    private const int Streams = 64;

    /// <summary>Runs once.</summary>
    /// <param name="kind"><c>native</c>, <c>wasm</c>, <c>best</c>, or <c>nothing</c>.</param>
    /// <param name="folder">The plugin's folder, built.</param>
    /// <returns>0; 1 when the plugin does not load.</returns>
    public static async Task<int> RunAsync(string kind, string folder, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        if (kind == ColdProcess.Nothing)
        {
            await SayAsync(output, Served + " 0");
            await SayAsync(output, "0 0");
            return 0;
        }

        try
        {
            // The cases are the traffic, not the plugin's: what reading them takes is said, and taken off outside.
            long started = Stopwatch.GetTimestamp();
            var subject = BenchSubject.Of(PluginFolder.Open(folder));
            var config = kind == ColdProcess.Best ? subject.ConfigForBest(FunctionBuilder.BestPathOf(subject.Folder!)) : subject.ConfigFor(kind == "native" ? Metal.Native : Metal.Wasm, InstancePolicy.PerRequest);
            long before = ProcessMemory.ResidentBytes();
            var preparation = Stopwatch.GetElapsedTime(started);
            var clock = new CaseClock();
            clock.Set(subject.Cases[0].Clock);
            await using var plugin = await PluginLoader.LoadAsync(config, new PluginHostServices { Time = clock }, cancellation);
            CaseExchange.Measure(plugin, subject.Cases[0], new CaseTimes());
            await SayAsync(output, string.Create(CultureInfo.InvariantCulture, $"{Served} {preparation.TotalMicroseconds:0}"));
            long loaded = ProcessMemory.ResidentBytes();
            long together = CaseExchange.DuringRequests(plugin, subject.Cases[0], Streams, ProcessMemory.ResidentBytes);
            await SayAsync(output, string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, loaded - before)} {Math.Max(0, (together - loaded) / Streams)}"));
            return 0;
        }
        catch (PluginLoadException exception)
        {
            await error.WriteLineAsync(exception.Message);
            return 1;
        }
    }

    private static async Task SayAsync(TextWriter output, string line)
    {
        await output.WriteLineAsync(line);
        await output.FlushAsync();
    }
}
