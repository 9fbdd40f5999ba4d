// Peers that run whole plugins: a script of bench/peers in Node runs the same module with the same exchanges and prints its figures as JSON.

using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Bimetal.Meter.Report;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Meter.Peers;

/// <summary>One such peer.</summary>
/// <param name="Name">As in the report.</param>
/// <param name="Script">A file of bench/peers.</param>
/// <param name="Mode">How it runs plugins.</param>
internal sealed record ScriptPeer(string Name, string Script, string Mode)
{
    /// <summary>Exit code of a script whose engine is not here; its message says how to get it.</summary>
    private const int NotInstalled = 3;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    public static IReadOnlyList<ScriptPeer> All { get; } =
    [
        new("V8 (Node)", "v8.mjs", "as shipped, all tiers; a small proxy-wasm host in JavaScript"),
        new("workerd", "workerd.mjs", "as shipped, the module compiled at its start; the same host in a worker, timed from outside"),
    ];

    /// <summary>Measures all subjects, or says why not.</summary>
    public async Task<PeerReport> MeasureAsync(IReadOnlyList<BenchSubject> subjects, IProgress<string>? progress, CancellationToken cancellation)
    {
        string? script = SdkFolder.TryFind() is { } sdk ? Path.Combine(sdk.Home, "bench", "peers", Script) : null;
        if (script is null || !File.Exists(script)) return Skipped($"bench/peers/{Script} is not installed");
        var tasks = new List<PeerTask>();
        string? version = null;
        foreach (var subject in subjects)
        {
            if (!subject.WasmPath.EndsWith(".wasm", StringComparison.Ordinal)) continue; // a bundle, which no script can open
            progress?.Report($"{subject.Name}: the same module in {Name}");
            string folder = Directory.CreateTempSubdirectory("bimetal-bench-").FullName, exchanges = Path.Combine(folder, "exchanges.json");
            try
            {
                await File.WriteAllBytesAsync(exchanges, Encode(subject), cancellation);
                var (output, failure) = await RunAsync(script, subject.WasmPath, exchanges, cancellation);
                if (output is null) return Skipped(failure!);
                using var result = JsonDocument.Parse(output);
                version = result.RootElement.GetProperty("version").GetString();
                tasks.Add(Read(subject, result.RootElement));
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        return new PeerReport { Name = Name, Version = version, Mode = Mode, Tasks = tasks };
    }

    private PeerReport Skipped(string reason) => new() { Name = Name, Skipped = reason };

    private static PeerTask Read(BenchSubject subject, JsonElement result)
    {
        double? Known(string name) => result.TryGetProperty(name, out var figure) ? Math.Round(figure.GetDouble(), 3) : null;
        double Figure(string name) => Known(name) ?? throw new PluginLoadException($"a script of bench/peers gives no {name}");
        string[] ends = [.. result.GetProperty("ends").EnumerateArray().Select(end => end.GetString()!)];
        bool isSame = ends.Zip(subject.Cases).All(pair => pair.First == (pair.Second.Expectation.Answer is null ? "passed" : "answered"));
        return new PeerTask(subject.Name, Known("coldUs"), Known("compileUs"), Known("coldProcessUs"), Figure("callP50Us"), Figure("requestP50Us"), isSame);
    }

    private static async Task<(string? Output, string? Failure)> RunAsync(string script, string module, string exchanges, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(s_patience);
        Process? node = null;
        try
        {
            node = Process.Start(new ProcessStartInfo("node", [script, module, exchanges]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = node.StandardOutput.ReadToEndAsync(limit.Token);
            var error = node.StandardError.ReadToEndAsync(limit.Token);
            await node.WaitForExitAsync(limit.Token);
            return node.ExitCode switch
            {
                0 => (await output, null),
                NotInstalled => (null, (await error).Trim().Replace("Error: ", "", StringComparison.Ordinal)),
                _ => (null, "its script failed: " + (await error).Trim().Split('\n').LastOrDefault(line => line.Contains("Error", StringComparison.Ordinal))),
            };
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return (null, "there is no node here");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return (null, $"it took more than {s_patience.TotalSeconds} s");
        }
        finally
        {
            if (node is { HasExited: false }) node.Kill(entireProcessTree: true);
            node?.Dispose();
        }
    }

    // Bytes as Latin-1 text, so that any byte survives.
    private static byte[] Encode(BenchSubject subject)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("configuration", Encoding.Latin1.GetString(subject.Config.Configuration.Span));
            json.WriteString("clock", ((subject.Cases[0].Clock - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick).ToString());
            json.WriteStartArray("exchanges");
            foreach (var one in subject.Cases)
            {
                json.WriteStartObject();
                Write(json, "request", one.Request);
                Write(json, "response", one.Response);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void Write(Utf8JsonWriter json, string name, CaseMessage message)
    {
        json.WriteStartObject(name);
        json.WriteStartArray("fields");
        foreach (var (field, value) in message.Fields)
        {
            json.WriteStartArray();
            json.WriteStringValue(Encoding.Latin1.GetString(field.Span));
            json.WriteStringValue(Encoding.Latin1.GetString(value.Span));
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteStartArray("chunks");
        foreach (var chunk in message.Chunks) json.WriteBase64StringValue(chunk.Span);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
