// The compiler's command line for each target. Both metals get the same optimisation and the same CPU level: what differs is only what the
// format asks for. Nothing here slows the native build down for the comparison's sake, or the wasm build.

namespace Bimetal.Plugins.Bundles;

/// <summary>Builds argument lists for clang-19.</summary>
internal static class ClangCommand
{
    public const string Program = "clang-19";

    // Its end, where it is used, shares 16 KiB (a sheet of the runtime) with the arena of glue_wasm.c behind it: 6 KiB of the one, 4 of the other.
    private const string WasmStackBytes = "71680";

    // The C23 extension is #embed, for tables.
    private static readonly string[] s_common =
        ["-std=c11", "-O2", "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections", "-Wall", "-Wextra", "-Wno-c23-extensions", "-fuse-ld=lld"];

    // The stack comes first in memory, so that an overflow leaves the memory and traps instead of writing into data.
    private static readonly string[] s_wasm =
    [
        "--target=wasm32-unknown-unknown", "-mbulk-memory", "-msign-ext", "-mnontrapping-fptoint", "-nostdlib",
        "-Wl,--no-entry,--gc-sections,--stack-first,-z,stack-size=" + WasmStackBytes,
    ];

    private static readonly string[] s_shared = ["-fPIC", "-shared", "-Wl,-z,defs,-z,now,-z,relro,--gc-sections"];

    // Tuned for no processor in particular: by itself clang takes x86-64-v2 as the wish for code that suits a processor of 2011, whose slow
    // rotations halve the speed of hashes. The wasm metal's code is tuned the same way (Emit/TargetCpu.cs).
    private const string Tuning = "-mtune=generic";

    /// <summary>The flags, without any path: part of what makes a build stale.</summary>
    public static IReadOnlyList<string> Flags(BuildTarget target)
    {
        if (target.Kind == ArtefactKind.Module) return [.. s_common, .. s_wasm];
        string level = target.Machine == "aarch64" ? "-march=armv8-a" : "-march=x86-64-v2";

        // Otherwise clang calls functions of libgcc, which nothing links here.
        string[] atomics = target.Machine == "aarch64" ? ["-mno-outline-atomics"] : [];
        string[] system = target.IsMusl ? [$"--target={target.Machine}-linux-musl", "-nostdlibinc", "-nostdlib", .. atomics] : [$"--target={target.Machine}-linux-gnu"];
        return [.. s_common, .. s_shared, .. system, level, Tuning];
    }

    /// <summary>All arguments of one build.</summary>
    public static IReadOnlyList<string> Arguments(BuildTarget target, string folder, IEnumerable<string> sources, SdkFolder sdk, string output)
    {
        string[] include = ["-I", sdk.Sources, "-I", sdk.NativeInclude, $"-ffile-prefix-map={folder}=.", $"-ffile-prefix-map={sdk.Sources}=sdk"];
        string[] glue = target.Metal == Metal.Wasm ? ["glue_wasm.c", "wasm_memory.c"] : ["glue_native.c"];
        return
        [
            .. Flags(target), .. include, .. glue.Select(file => Path.Combine(sdk.Sources, file)),
            .. sources.Select(source => Path.Combine(folder, source)), .. CrossLibraries.Arguments(target, sdk), "-o", output,
        ];
    }
}
