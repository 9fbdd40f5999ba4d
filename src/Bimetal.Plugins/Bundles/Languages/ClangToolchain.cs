// C: one run of clang-19 for each target (ClangCommand.cs).

namespace Bimetal.Plugins.Bundles.Languages;

internal sealed class ClangToolchain : Toolchain
{
    public override IReadOnlyList<string> Flags(BuildTarget target) => ClangCommand.Flags(target);

    public override string[] SdkFolders(SdkFolder sdk) => [sdk.Sources, sdk.NativeInclude];

    public override Task<CompilerResult> CompileAsync(BuildTarget target, PluginFolder folder, SdkFolder sdk, string output, CancellationToken cancellation) =>
        CompilerProcess.RunAsync(
            ClangCommand.Program, ClangCommand.Arguments(target, folder.Path, folder.Manifest.Sources, sdk, output), "clang-19 lld-19", folder.Path, cancellation);
}
