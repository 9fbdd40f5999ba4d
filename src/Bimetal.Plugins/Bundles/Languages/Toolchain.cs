// How a language becomes artefacts: which targets it has, the flags and the SDK files that make a build stale, and the commands.

namespace Bimetal.Plugins.Bundles.Languages;

/// <summary>The compilers of one language. Stateless.</summary>
internal abstract class Toolchain
{
    private static readonly ClangToolchain s_c = new();
    private static readonly RustToolchain s_rust = new();
    private static readonly AssemblyScriptToolchain s_assemblyScript = new();

    public static Toolchain Of(PluginLanguage language) => language switch
    {
        PluginLanguage.Rust => s_rust,
        PluginLanguage.AssemblyScript => s_assemblyScript,
        _ => s_c,
    };

    /// <summary>Why the language has no build for a metal; null when it has.</summary>
    public virtual string? Lacks(Metal metal) => null;

    /// <summary>What this machine has not got to build a target, with the remedy; null when everything is here.</summary>
    public virtual Task<string?> MissingAsync(BuildTarget target, PluginFolder folder, CancellationToken cancellation) => Task.FromResult<string?>(null);

    /// <summary>All flags of a target, without any path: part of what makes a build stale.</summary>
    public abstract IReadOnlyList<string> Flags(BuildTarget target);

    /// <summary>The folders of the SDK that a build reads: part of what makes it stale.</summary>
    public abstract string[] SdkFolders(SdkFolder sdk);

    /// <summary>Compiles.</summary>
    /// <param name="output">The file to write; its folder is for this build alone, so other files may be left in it.</param>
    /// <exception cref="PluginLoadException">A tool is missing or does not end.</exception>
    public abstract Task<CompilerResult> CompileAsync(BuildTarget target, PluginFolder folder, SdkFolder sdk, string output, CancellationToken cancellation);
}
