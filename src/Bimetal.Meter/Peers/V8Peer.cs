// The peer V8, in Node: bench/peers/v8.mjs runs the same module with the same exchanges.

using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Bimetal.Meter.Report;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Meter.Peers;

/// <summary>Measures V8.</summary>
internal static class V8Peer
{
    private const string Name = "V8 (Node)";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>Measures all subjects, or says why not.</summary>
    public static async Task<PeerReport> MeasureAsync(IReadOnlyList<BenchSubject> subjects, IProgress<string>? progress, CancellationToken cancellation)
    {
        string? script = SdkFolder.TryFind() is { } sdk ? Path.Combine(sdk.Home, "bench", "peers", "v8.mjs") : null;
        if (script is null || !File.Exists(script)) return Skipped("bench/peers/v8.mjs is not installed");
        var tasks = new List<PeerTask>();
        string? version = null;
        foreach (var subject in subjects)
        {
            progress?.Report($"{subject.Name}: the same module in V8");
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

        return new PeerReport { Name = Name, Version = version, Mode = "as shipped, all tiers; a small proxy-wasm host in JavaScript", Tasks = tasks };
    }

    private static PeerReport Skipped(string reason) => new() { Name = Name, Skipped = reason };

    private static PeerTask Read(BenchSubject subject, JsonElement result)
    {
        double Figure(string name) => Math.Round(result.GetProperty(name).GetDouble(), 3);
        string[] ends = [.. result.GetProperty("ends").EnumerateArray().Select(end => end.GetString()!)];
        bool isSame = ends.Zip(subject.Cases).All(pair => pair.First == (pair.Second.Expectation.Answer is null ? "passed" : "answered"));
        return new PeerTask(subject.Name, Figure("coldUs"), Figure("compileUs"), Figure("callP50Us"), Figure("requestP50Us"), isSame);
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
            return node.ExitCode == 0 ? (await output, null) : (null, "its host script failed: " + (await error).Trim().Split('\n').LastOrDefault(line => line.Contains("Error", StringComparison.Ordinal)));
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
