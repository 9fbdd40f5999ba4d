// AssemblyScript: the asc and the proxy-wasm SDK that sdk/assemblyscript pins. wasm only.

namespace Bimetal.Plugins.Bundles.Languages;

internal sealed class AssemblyScriptToolchain : Toolchain
{
    private const string SdkName = "sdk/assemblyscript";

    // An abort ends the instance through WASI, after it has logged what it was about: that is what the SDK's function does.
    private static readonly string[] s_flags = ["-O2", "--use", "abort=abort_proc_exit"];

    public override string? Lacks(Metal metal) => metal == Metal.Native ? "is written in AssemblyScript, which has no native build; use metal wasm" : null;

    public override IReadOnlyList<string> Flags(BuildTarget target) => s_flags;

    public override string[] SdkFolders(SdkFolder sdk) => [Path.Combine(sdk.Home, SdkName)];

    public override async Task<CompilerResult> CompileAsync(
        BuildTarget target, PluginFolder folder, SdkFolder sdk, string output, CancellationToken cancellation)
    {
        string sdkFolder = Path.Combine(sdk.Home, SdkName);
        string modules = await NodePackages.EnsureAsync(sdkFolder, cancellation);

        // asc takes paths of files relative to its base alone.
        string[] arguments =
        [
            Path.Combine(modules, "assemblyscript/bin/asc"), .. folder.Manifest.Sources, "--baseDir", folder.Path,
            "--path", $"{modules},{Path.Combine(sdkFolder, "lib")}", "--binaryFile", Path.GetRelativePath(folder.Path, output), .. s_flags,
        ];
        return await CompilerProcess.RunAsync("node", arguments, "nodejs npm", folder.Path, cancellation);
    }
}
