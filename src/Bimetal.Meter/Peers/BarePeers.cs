// Peers on the code alone: the plugin built together with its host (bench/bare) as V8 runs it, and as wasm2c translates it for clang. No host call
// leaves the module, so what differs is the compiler and how memory is kept safe.

using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Bimetal.Meter.Functions;
using Bimetal.Meter.Report;
using Bimetal.Meter.Statistics;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;

namespace Bimetal.Meter.Peers;

/// <summary>Measures V8 and wasm2c.</summary>
internal sealed class BarePeers : IDisposable
{
    private const string Wasm2c = "wasm2c with clang, code alone";
    private const string RuntimeFolder = "/usr/share/wabt/wasm2c";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("bimetal-bench-").FullName;
    private readonly string _peers;

    private BarePeers(string peers) => _peers = peers;

    /// <summary>Both peers on every task that has a code ratio, or why not.</summary>
    public static async Task<IReadOnlyList<PeerReport>> MeasureAsync(
        IReadOnlyList<BenchSubject> subjects, IReadOnlyList<BenchTask> tasks, bool isFull, IProgress<string>? progress, CancellationToken cancellation)
    {
        string? folder = SdkFolder.TryFind() is { } sdk ? Path.Combine(sdk.Home, "bench", "peers") : null;
        if (folder is null || !Directory.Exists(folder)) return [];
        using var peers = new BarePeers(folder);
        var measured = subjects.Zip(tasks).Where(pair => pair.Second.CodeNativeUs is not null).ToList();
        progress?.Report("the code alone in V8 and from wasm2c");
        return
        [
            await peers.ReportAsync("V8, code alone", measured, peers.RunV8Async, cancellation),
            isFull
                ? await peers.ReportAsync(Wasm2c, measured, peers.RunWasm2cAsync, cancellation)
                : new PeerReport { Name = Wasm2c, Skipped = "it compiles each module for seconds; --full measures it" },
        ];
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task<PeerReport> ReportAsync(
        string name, List<(BenchSubject Subject, BenchTask Task)> measured, Func<string, string[], CancellationToken, Task<string>> run, CancellationToken cancellation)
    {
        var ratios = new List<PeerCode>();
        try
        {
            foreach (var (subject, task) in measured)
            {
                if (await FunctionBuilder.EnsureBareAsync(subject.Folder!, BuildTarget.Wasm, cancellation) is not { } module) continue;
                string output = await run(module, await WriteInputAsync(subject, cancellation), cancellation);
                double[] nanoseconds = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => double.Parse(line, CultureInfo.InvariantCulture))];
                if (nanoseconds.Length > 0) ratios.Add(new PeerCode(subject.Name, Math.Round(Quantile.Median(nanoseconds) / 1000 / task.CodeNativeUs!.Value, 3)));
            }
        }
        catch (PluginLoadException exception)
        {
            return new PeerReport { Name = name, Skipped = exception.Message };
        }

        return new PeerReport { Name = name, Mode = "the same module as Bimetal's code ratio, held against the same native time", Code = ratios };
    }

    private Task<string> RunV8Async(string module, string[] input, CancellationToken cancellation) =>
        RunAsync("node", [Path.Combine(_peers, "v8_bare.mjs"), module, .. input], cancellation);

    private async Task<string> RunWasm2cAsync(string module, string[] input, CancellationToken cancellation)
    {
        if (!File.Exists(Path.Combine(RuntimeFolder, "wasm-rt-impl.c"))) throw new PluginLoadException("wabt with wasm2c is not installed");
        string source = Path.Combine(_folder, "bare.c"), program = Path.Combine(_folder, "bare");
        await RunAsync("wasm2c", [module, "-n", "bare", "-o", source], cancellation);
        string[] flags = ["-O2", "-std=gnu17", "-march=x86-64-v2", "-mtune=generic", "-w", "-I", _folder, "-I", RuntimeFolder];
        await RunAsync("clang-19", [.. flags, Path.Combine(_peers, "bare_driver.c"), source, Path.Combine(RuntimeFolder, "wasm-rt-impl.c"), "-lm", "-o", program], cancellation);
        return await RunAsync(program, input, cancellation);
    }

    private async Task<string[]> WriteInputAsync(BenchSubject subject, CancellationToken cancellation)
    {
        var files = new List<string> { Path.Combine(_folder, "configuration") };
        await File.WriteAllBytesAsync(files[0], subject.Config.Configuration, cancellation);
        for (int index = 0; index < subject.Cases.Count; index++)
        {
            files.Add(Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"exchange-{index}")));
            await File.WriteAllBytesAsync(files[^1], BareFunctions.Encode(subject.Cases[index]), cancellation);
        }

        return [.. files];
    }

    private static async Task<string> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(s_patience);
        Process? process = null;
        try
        {
            process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            if (process.ExitCode == 0) return await output;
            throw new PluginLoadException($"{Path.GetFileName(program)} failed: {(await error).Trim().Split('\n')[0]}");
        }
        catch (Win32Exception)
        {
            throw new PluginLoadException($"there is no {program} here");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new PluginLoadException($"{Path.GetFileName(program)} took more than {s_patience.TotalSeconds} s");
        }
        finally
        {
            if (process is { HasExited: false }) process.Kill(entireProcessTree: true);
            process?.Dispose();
        }
    }
}
