// Rust: rustc alone, without cargo. First the crate of sdk/rust, then the plugin with it; linked by the same lld as C. Both metals are made by
// one compiler, that is by the first one that has the libraries for a target.

namespace Bimetal.Plugins.Bundles.Languages;

internal sealed class RustToolchain : Toolchain
{
    private const string SdkSource = "sdk/rust/src/lib.rs";
    private const string ModuleTriple = "wasm32-unknown-unknown";
    private const string Packages = "rustc libstd-rust-dev libstd-rust-dev-wasm32 clang-19 lld-19";

    // A plugin that panics ends: unwinding through the host's frames is nothing that either metal allows.
    private static readonly string[] s_common =
        ["--edition", "2021", "-C", "opt-level=3", "-C", "panic=abort", "-C", "codegen-units=1", "-C", "strip=symbols"];

    // The linker of LLVM 19 warns of the metadata in Rust's archives, which rustc would make an error.
    private static readonly string[] s_wasm =
    [
        "--target", ModuleTriple, "-C", "target-feature=+bulk-memory,+nontrapping-fptoint", "-C", "linker=wasm-ld-19", "-C", "linker-flavor=wasm-ld",
        "-C", "link-arg=-zstack-size=65536", "-C", "link-arg=--no-fatal-warnings",
    ];

    private static readonly string[] s_native = ["-C", "linker=clang-19", "-C", "link-arg=-fuse-ld=lld"];

    public override IReadOnlyList<string> Flags(BuildTarget target)
    {
        if (target.Metal == Metal.Wasm) return [.. s_common, .. s_wasm];
        string triple = TripleOf(target);
        string[] system = triple.StartsWith("x86_64", StringComparison.Ordinal)
            ? ["-C", "target-cpu=x86-64-v2"]
            : ["-C", "link-arg=--target=aarch64-linux-gnu"];
        return [.. s_common, "--target", triple, .. s_native, .. system];
    }

    public override string[] SdkFolders(SdkFolder sdk) => [Path.Combine(sdk.Home, "sdk/rust")];

    public override async Task<string?> MissingAsync(BuildTarget target, PluginFolder folder, CancellationToken cancellation) =>
        await TryFindAsync(TripleOf(target), folder.Path, cancellation) is null ? NotHere(target) : null;

    public override async Task<CompilerResult> CompileAsync(
        BuildTarget target, PluginFolder folder, SdkFolder sdk, string output, CancellationToken cancellation)
    {
        string compiler = await TryFindAsync(TripleOf(target), folder.Path, cancellation)
            ?? throw new PluginLoadException(NotHere(target));
        string crate = Path.Combine(Path.GetDirectoryName(output)!, "libbimetal.rlib");
        string[] flags = [.. Flags(target), $"--remap-path-prefix={sdk.Home}=bimetal", $"--remap-path-prefix={folder.Path}=."];
        string[] sdkArguments = [.. flags, "--crate-type", "rlib", "--crate-name", "bimetal", Path.Combine(sdk.Home, SdkSource), "-o", crate];
        var result = await CompilerProcess.RunAsync(compiler, sdkArguments, Packages, folder.Path, cancellation);
        if (result.ExitCode != 0) return result;
        string[] arguments =
        [
            .. flags, "--crate-type", "cdylib", "--crate-name", "plugin", "--extern", $"bimetal={crate}", .. folder.Manifest.Sources, "-o", output,
        ];
        return await CompilerProcess.RunAsync(compiler, arguments, Packages, folder.Path, cancellation);
    }

    private static string TripleOf(BuildTarget target) => target.Name switch
    {
        "wasm" => ModuleTriple,
        "linux-arm64" => "aarch64-unknown-linux-gnu",
        "linux-musl-x64" => "x86_64-unknown-linux-musl",
        "linux-musl-arm64" => "aarch64-unknown-linux-musl",
        _ => "x86_64-unknown-linux-gnu",
    };

    // Debian has the libraries of its own system and of wasm alone.
    private static string NotHere(BuildTarget target)
    {
        string remedy = target == BuildTarget.Wasm || target == BuildTarget.NativeHere ? $"on Debian: apt-get install {Packages}" : $"rustup target add {TripleOf(target)} {ModuleTriple}";
        return $"there is no rustc with the targets {ModuleTriple} and {TripleOf(target)}; {remedy}";
    }

    // Debian's rustc is not the first of a path that rustup has been put into, and rustup's has no wasm target until it is told to.
    private static async Task<string?> TryFindAsync(string triple, string folder, CancellationToken cancellation)
    {
        foreach (string compiler in (string[])["rustc", "/usr/bin/rustc"])
        {
            if (await HasTargetsAsync(compiler, [triple, ModuleTriple], folder, cancellation)) return compiler;
        }

        return null;
    }

    private static async Task<bool> HasTargetsAsync(string compiler, string[] triples, string folder, CancellationToken cancellation)
    {
        try
        {
            var result = await CompilerProcess.RunAsync(compiler, ["--print", "sysroot"], Packages, folder, cancellation);
            string libraries = Path.Combine(result.Messages.Trim(), "lib/rustlib");
            return result.ExitCode == 0 && triples.All(triple => Directory.Exists(Path.Combine(libraries, triple, "lib")));
        }
        catch (PluginLoadException)
        {
            return false;
        }
    }
}
