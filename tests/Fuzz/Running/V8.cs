// Runs batches of modules in Node, one process for each batch.

using System.Diagnostics;
using System.Text.Json;
using Bimetal.Testing;
using Bimetal.Wasm.Modules;

namespace Bimetal.Fuzz.Running;

internal static class V8
{
    // Generous: a loaded machine is no finding.
    private const int TimeLimitMs = 300_000;

    /// <summary>What V8 does with each module.</summary>
    /// <exception cref="InvalidOperationException">Node is missing, failed or did not end.</exception>
    internal static Observation[][] Run(IReadOnlyList<Candidate> candidates)
    {
        using var folder = new TemporaryFolder();
        string script = folder.Write("oracle.cjs", Script());
        string batch = folder.Write("batch.json", JsonSerializer.Serialize(new
        {
            modules = candidates.Select(candidate => new
            {
                wasm = Convert.ToBase64String(candidate.Bytes),
                stubs = candidate.Stubs.ToDictionary(stub => stub.Key, stub => Convert.ToBase64String(stub.Value)),
                calls = candidate.Calls.Select(call => new
                {
                    text = $"{call}",
                    name = call.Export,
                    arguments = call.Arguments.Select(value => new[] { value.Type.Name(), $"{value.Bits}" }),
                    results = call.Results.Select(type => type.Name()),
                }),
            }),
        }));
        var observations = candidates.Select(_ => new List<Observation>()).ToArray();
        foreach (string line in Node("--experimental-wasm-extended-const", script, batch).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] fields = line.Split('\t');
            observations[int.Parse(fields[0])].Add(new Observation(fields[1], fields[2], fields[3], fields[4]));
        }

        return [.. observations.Select(list => list.ToArray())];
    }

    private static string Script()
    {
        using var reader = new StreamReader(typeof(V8).Assembly.GetManifestResourceStream("oracle.cjs")!);
        return reader.ReadToEnd();
    }

    private static string Node(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("node", arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(TimeLimitMs))
        {
            process.Kill(entireProcessTree: true);
            throw new InvalidOperationException($"node did not end within {TimeLimitMs / 1000} s");
        }

        return process.ExitCode == 0 ? output.Result : throw new InvalidOperationException($"node ended with code {process.ExitCode}: {error.Result}");
    }
}
