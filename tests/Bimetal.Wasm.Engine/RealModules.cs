// Modules from npm packages, fetched once into artifacts/. Their versions and digests are pinned in RealModules/package-lock.json.

using System.Diagnostics;
using Bimetal.Testing;

namespace Bimetal.Wasm.Engine.Tests;

public sealed class RealModules
{
    private static readonly string Source = Path.Combine(Repository.Root, "tests/Bimetal.Wasm.Engine/RealModules");
    private static readonly string Folder = Path.Combine(Repository.Root, "artifacts/test/real-modules");

    private readonly Lazy<string?> _failure = new(Fetch);

    /// <summary>Path of a file of a package; fails the test when the packages cannot be fetched.</summary>
    public string Find(string path)
    {
        Assert.True(_failure.Value is null, $"the modules of {Source} could not be fetched, which needs a network at the first run: {_failure.Value}");
        return Path.Combine(Folder, "node_modules", path);
    }

    /// <summary>Takes the steps in V8; one line for each.</summary>
    public static string[] RunInV8(string module, string steps)
    {
        using var folder = new TemporaryFolder();
        var (exitCode, output) = Run("node", Folder, Path.Combine(Source, "run.cjs"), module, folder.Write("steps", steps));
        Assert.True(exitCode == 0, output);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    // What npm has installed last is told by the lock file that it was given.
    private static string? Fetch()
    {
        Directory.CreateDirectory(Folder);
        string done = Path.Combine(Folder, "installed.json");
        string wanted = File.ReadAllText(Path.Combine(Source, "package-lock.json"));
        if (File.Exists(done) && File.ReadAllText(done) == wanted) return null;
        foreach (string name in (string[])["package.json", "package-lock.json"]) File.Copy(Path.Combine(Source, name), Path.Combine(Folder, name), overwrite: true);
        var (exitCode, output) = Run("npm", Folder, "ci", "--ignore-scripts", "--no-audit", "--no-fund");
        if (exitCode != 0) return output;
        File.WriteAllText(done, wanted);
        return null;
    }

    private static (int ExitCode, string Output) Run(string tool, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(tool, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, process.ExitCode == 0 ? output : output + errors.GetAwaiter().GetResult());
    }
}
