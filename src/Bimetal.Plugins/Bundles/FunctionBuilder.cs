// Builds C for both metals without being a plugin: one source file with an export (`bench --source`), or a plugin's sources together with a host of
// their own (bench/bare). Same compiler, flags and CPU level as plugins.

using Bimetal.Plugins.Bundles.Languages;

namespace Bimetal.Plugins.Bundles;

/// <summary>Compiles for measurements; nothing here is ever deployed.</summary>
public static class FunctionBuilder
{
    private const string RecordSuffix = ".built";

    /// <summary>Builds one C file whose export is a function of the file.</summary>
    /// <param name="source">The C file.</param>
    /// <param name="export">A function that is not static.</param>
    /// <param name="target">A metal of this machine.</param>
    /// <param name="output">Where the artefact goes.</param>
    /// <exception cref="PluginLoadException">clang is missing, or the source does not compile: the message holds the compiler's.</exception>
    public static Task BuildSourceAsync(string source, string export, BuildTarget target, string output, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(target);
        var sdk = SdkFolder.Find();
        string[] visible = target.Metal == Metal.Wasm
            ? [$"-Wl,--export={export}", "-I", BareFolder(sdk), Path.Combine(sdk.Sources, "wasm_memory.c")]
            : ["-fvisibility=default", "-lm"];
        return RunAsync(source, target, [.. ClangCommand.Flags(target), source, .. visible, "-o", output], cancellation);
    }

    /// <summary>Builds a plugin's sources with the host of bench/bare, if that is not done already.</summary>
    /// <returns>The artefact; null where bench/bare is not installed.</returns>
    /// <exception cref="PluginLoadException">clang is missing, or something does not compile.</exception>
    public static async Task<string?> EnsureBareAsync(PluginFolder folder, BuildTarget target, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(target);
        if (SdkFolder.TryFind() is not { } sdk || !Directory.Exists(BareFolder(sdk))) return null;
        string output = Path.Combine(folder.Path, "build", "bare", target.Metal == Metal.Wasm ? "bare.wasm" : "bare.so");
        string[] flags = [.. ClangCommand.Flags(target), "-DBP_HOST_TABLE=\"bare_table.h\""];
        string inputs = string.Join('\n', BuildRecord.DigestOfSources(folder.Path), BuildRecord.DigestOfSources(sdk.Sources, sdk.NativeInclude, BareFolder(sdk)), BuildRecord.DigestOf(flags));
        if (await IsBuiltOfAsync(output, inputs, cancellation)) return output;
        // The bare folder's own string.h is for wasm alone, which has none.
        string[] include = [target.Metal == Metal.Wasm ? "-I" : "-iquote", BareFolder(sdk), "-I", sdk.Sources, "-I", sdk.NativeInclude];
        string[] memory = target.Metal == Metal.Wasm ? [Path.Combine(sdk.Sources, "wasm_memory.c")] : [];
        string[] sources = [.. folder.Manifest.Sources.Select(file => Path.Combine(folder.Path, file)), .. Bare(sdk, "bare_host.c", "bare_run.c"), .. memory];
        await RunAsync(folder.Path, target, [.. flags, .. include, .. sources, "-o", output], cancellation);
        await File.WriteAllTextAsync(output + RecordSuffix, inputs, cancellation);
        return output;
    }

    /// <summary>Builds what writes down the host calls of a native plugin (bench/replay/recorder.c), if that is not done already.</summary>
    /// <returns>The shared object; null where bench/replay is not installed.</returns>
    /// <exception cref="PluginLoadException">clang is missing, or something does not compile.</exception>
    public static Task<string?> EnsureRecorderAsync(CancellationToken cancellation) => EnsureReplayAsync("recorder.c", "recorder", BuildTarget.NativeHere, [], cancellation);

    /// <summary>Builds what makes such calls again (bench/replay/replay.c), if that is not done already.</summary>
    /// <param name="callbacks">Those that it has, as bits.</param>
    /// <param name="target">A metal of this machine.</param>
    /// <returns>The artefact; null where bench/replay is not installed.</returns>
    /// <exception cref="PluginLoadException">clang is missing, or something does not compile.</exception>
    public static Task<string?> EnsureReplayAsync(uint callbacks, BuildTarget target, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(target);
        return EnsureReplayAsync("replay.c", $"replay-{callbacks}", target, [$"-DHAS={callbacks}u"], cancellation);
    }

    private static async Task<string?> EnsureReplayAsync(string source, string name, BuildTarget target, string[] definitions, CancellationToken cancellation)
    {
        if (SdkFolder.TryFind() is not { } sdk) return null;
        string folder = Path.Combine(sdk.Home, "bench", "replay");
        if (!Directory.Exists(folder)) return null;
        bool isWasm = target.Metal == Metal.Wasm;
        string output = Path.Combine(folder, "build", name + (isWasm ? ".wasm" : ".so"));
        string[] flags = [.. ClangCommand.Flags(target), .. definitions];
        string inputs = string.Join('\n', BuildRecord.DigestOfSources(folder), BuildRecord.DigestOfSources(sdk.Sources, sdk.NativeInclude), BuildRecord.DigestOf(flags));
        if (await IsBuiltOfAsync(output, inputs, cancellation)) return output;
        string[] glue = isWasm ? ["glue_wasm.c", "wasm_memory.c"] : source == "replay.c" ? ["glue_native.c"] : [];
        string[] sources = [Path.Combine(folder, source), .. glue.Select(file => Path.Combine(sdk.Sources, file))];
        await RunAsync(folder, target, [.. flags, "-I", sdk.Sources, "-I", sdk.NativeInclude, .. sources, "-o", output], cancellation);
        await File.WriteAllTextAsync(output + RecordSuffix, inputs, cancellation);
        return output;
    }

    /// <summary>Where <see cref="BuildBestAsync"/> puts it.</summary>
    public static string BestPathOf(PluginFolder folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        return Path.Combine(folder.Path, "build", "best", "best.so");
    }

    /// <summary>
    /// Builds what somebody would write who has native alone in mind: for this very processor, with more optimisation, and from bench/best where a
    /// source tuned by hand lies there.
    /// </summary>
    /// <returns>The shared object, and whether it has a source of its own.</returns>
    /// <exception cref="PluginLoadException">clang is missing, or something does not compile.</exception>
    public static async Task<(string Path, bool IsTuned)> BuildBestAsync(PluginFolder folder, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var sdk = SdkFolder.Find();
        string best = Path.Combine(sdk.Home, "bench", "best"), tuned = Path.Combine(best, folder.Manifest.Name.Replace('-', '_') + ".c");
        bool isTuned = File.Exists(tuned) && folder.Path == Path.Combine(sdk.Home, "plugins", folder.Manifest.Name);
        string output = BestPathOf(folder);
        string[] flags = [.. ClangCommand.Flags(BuildTarget.NativeHere), "-O3", "-march=native", "-mtune=native"];
        string inputs = string.Join('\n', BuildRecord.DigestOfSources(folder.Path), BuildRecord.DigestOfSources(sdk.Sources, sdk.NativeInclude, best), BuildRecord.DigestOf([.. flags, tuned]));
        if (await IsBuiltOfAsync(output, inputs, cancellation)) return (output, isTuned);
        string[] sources = isTuned ? [tuned] : [.. folder.Manifest.Sources.Select(file => Path.Combine(folder.Path, file))];
        string[] include = ["-I", best, "-I", sdk.Sources, "-I", sdk.NativeInclude];
        await RunAsync(folder.Path, BuildTarget.NativeHere, [.. flags, .. include, .. sources, Path.Combine(sdk.Sources, "glue_native.c"), "-o", output], cancellation);
        await File.WriteAllTextAsync(output + RecordSuffix, inputs, cancellation);
        return (output, isTuned);
    }

    /// <summary>Whether an artefact is there and of these inputs; otherwise there is a folder for it afterwards.</summary>
    private static async Task<bool> IsBuiltOfAsync(string output, string inputs, CancellationToken cancellation)
    {
        if (File.Exists(output) && File.Exists(output + RecordSuffix) && await File.ReadAllTextAsync(output + RecordSuffix, cancellation) == inputs) return true;
        Directory.CreateDirectory(Path.GetDirectoryName(output)!);
        return false;
    }

    private static string BareFolder(SdkFolder sdk) => Path.Combine(sdk.Home, "bench", "bare");

    private static IEnumerable<string> Bare(SdkFolder sdk, params string[] files) => files.Select(file => Path.Combine(BareFolder(sdk), file));

    private static async Task RunAsync(string what, BuildTarget target, IReadOnlyList<string> arguments, CancellationToken cancellation)
    {
        var result = await CompilerProcess.RunAsync(ClangCommand.Program, arguments, "clang-19 lld-19", Environment.CurrentDirectory, cancellation);
        if (result.ExitCode != 0) throw new PluginLoadException($"{what}: does not compile for {target} ({result.Program} exited with {result.ExitCode}):\n{result.Messages.TrimEnd()}");
    }
}
