// A plugin as its author has it: a folder with plugin.yaml, sources, cases/, and after `bimetal build` the artefacts in build/.

using Bimetal.Plugins.Bundles.Languages;

namespace Bimetal.Plugins.Bundles;

/// <summary>Whether an artefact can be used.</summary>
public enum BuildState
{
    Missing,

    /// <summary>Sources, SDK or flags changed since, or the file is not the one that was built.</summary>
    Stale,
    Current,
}

/// <summary>An opened plugin folder. Immutable; states are looked up anew each time.</summary>
public sealed class PluginFolder
{
    private PluginFolder(string path, PluginManifest manifest)
    {
        Path = path;
        Manifest = manifest;
    }

    /// <summary>Absolute path.</summary>
    public string Path { get; }

    public PluginManifest Manifest { get; }

    /// <summary>What is built when nothing else is said: the metals of this machine that the plugin's language has a build for.</summary>
    public IReadOnlyList<BuildTarget> TargetsHere => [.. BuildTarget.Here.Where(target => Toolchain.Of(Manifest.Language).Lacks(target.Metal) is null)];

    public string CasesFolder => System.IO.Path.Combine(Path, "cases");

    /// <summary>Whether a path is a plugin folder.</summary>
    public static bool IsOne(string path) => File.Exists(System.IO.Path.Combine(path, PluginManifest.FileName));

    /// <exception cref="PluginLoadException">It is not a plugin folder, or its manifest is wrong.</exception>
    public static PluginFolder Open(string path)
    {
        string full = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        return new PluginFolder(full, PluginManifest.Load(full));
    }

    /// <summary>Absolute path of an artefact, whether it is there or not.</summary>
    public string PathOf(BuildTarget target) => System.IO.Path.Combine(Path, target.Artefact);

    /// <summary>Looks at an artefact. Without an SDK at hand only the plugin's own sources are compared.</summary>
    public BuildState StateOf(BuildTarget target)
    {
        string artefact = PathOf(target);
        if (!File.Exists(artefact)) return BuildState.Missing;
        if (BuildRecord.TryRead(BuildRecord.PathOf(artefact)) is not { } record) return BuildState.Stale;
        if (target.Kind == ArtefactKind.Code) return PrecompiledCode.IsCurrent(this, target, record) ? BuildState.Current : BuildState.Stale;
        var toolchain = Toolchain.Of(Manifest.Language);
        bool isCurrent = record.Sources == BuildRecord.DigestOfSources(Path)
            && record.Flags == BuildRecord.DigestOf(toolchain.Flags(target))
            && (SdkFolder.TryFind() is not { } sdk || record.Sdk == BuildRecord.DigestOfSources(toolchain.SdkFolders(sdk)))
            && record.Artefact == BuildRecord.DigestOfFile(artefact);
        return isCurrent ? BuildState.Current : BuildState.Stale;
    }

    /// <summary>The path of an artefact that is current.</summary>
    /// <exception cref="PluginLoadException">It is missing or stale; the message says what to run.</exception>
    public string Require(BuildTarget target) => StateOf(target) switch
    {
        BuildState.Current => PathOf(target),
        _ when Toolchain.Of(Manifest.Language).Lacks(target.Metal) is { } lack => throw new PluginLoadException($"{Path}: {lack}"),
        BuildState.Missing => throw new PluginLoadException($"{PathOf(target)}: is not there; run: bimetal build {Path}"),
        _ => throw new PluginLoadException($"{PathOf(target)}: is older than its sources; run: bimetal build {Path}"),
    };
}
