// What a plugin can be built for, and where the artefact lies in the plugin's folder.

using System.Runtime.InteropServices;
using Bimetal.Wasm.Compiler;

namespace Bimetal.Plugins.Bundles;

/// <summary>What kind of file an artefact is.</summary>
public enum ArtefactKind
{
    /// <summary>The sandboxed module.</summary>
    Module,

    /// <summary>A shared object for the native metal.</summary>
    Native,

    /// <summary>The module's code, compiled ahead of time for one architecture; it refers to no library, so it serves every libc.</summary>
    Code,
}

/// <summary>One kind of artefact. Instances are the static members.</summary>
public sealed class BuildTarget
{
    private BuildTarget(string name, ArtefactKind kind, TargetPlatform? platform, bool isMusl, string artefact)
    {
        Name = name;
        Kind = kind;
        Platform = platform;
        IsMusl = isMusl;
        Artefact = artefact;
    }

    public static BuildTarget Wasm { get; } = new("wasm", ArtefactKind.Module, null, false, "build/plugin.wasm");

    public static BuildTarget LinuxX64 { get; } = Native("linux-x64", TargetPlatform.LinuxX64);

    public static BuildTarget LinuxArm64 { get; } = Native("linux-arm64", TargetPlatform.LinuxArm64);

    public static BuildTarget LinuxMuslX64 { get; } = Native("linux-musl-x64", TargetPlatform.LinuxX64);

    public static BuildTarget LinuxMuslArm64 { get; } = Native("linux-musl-arm64", TargetPlatform.LinuxArm64);

    public static BuildTarget CodeX64 { get; } = Code("code-x64", TargetPlatform.LinuxX64);

    public static BuildTarget CodeArm64 { get; } = Code("code-arm64", TargetPlatform.LinuxArm64);

    /// <summary>Everything, in the order in which it is listed.</summary>
    public static IReadOnlyList<BuildTarget> All { get; } = [Wasm, CodeX64, CodeArm64, LinuxX64, LinuxArm64, LinuxMuslX64, LinuxMuslArm64];

    /// <summary>The native target of this process.</summary>
    public static BuildTarget NativeHere { get; } = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? LinuxArm64 : LinuxX64;

    /// <summary>The precompiled code that this process can run.</summary>
    public static BuildTarget CodeHere { get; } = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? CodeArm64 : CodeX64;

    /// <summary>What a test or a bench needs: both metals of this machine.</summary>
    public static IReadOnlyList<BuildTarget> Here { get; } = [Wasm, NativeHere];

    /// <summary>As written after <c>--targets</c>.</summary>
    public string Name { get; }

    public ArtefactKind Kind { get; }

    public Metal Metal => Kind == ArtefactKind.Native ? Metal.Native : Metal.Wasm;

    /// <summary>Processor and system; null for the module, which runs on all of them.</summary>
    public TargetPlatform? Platform { get; }

    /// <summary>Whether a native build is for musl instead of glibc.</summary>
    public bool IsMusl { get; }

    /// <summary>As the compilers and Debian's folders spell the processor; empty for the module.</summary>
    public string Machine => Platform switch { null => "", TargetPlatform.LinuxArm64 => "aarch64", _ => "x86_64" };

    /// <summary>Path of the artefact, relative to the plugin's folder.</summary>
    public string Artefact { get; }

    /// <summary>The target for this process of a metal.</summary>
    public static BuildTarget Of(Metal metal) => metal == Metal.Wasm ? Wasm : NativeHere;

    /// <summary>The target of that name, or null.</summary>
    public static BuildTarget? Find(string name) => All.FirstOrDefault(target => target.Name == name);

    public override string ToString() => Name;

    private static BuildTarget Native(string name, TargetPlatform platform) =>
        new(name, ArtefactKind.Native, platform, name.Contains("musl", StringComparison.Ordinal), $"build/{name}/plugin.so");

    private static BuildTarget Code(string name, TargetPlatform platform) => new(name, ArtefactKind.Code, platform, isMusl: false, $"build/{name}/plugin.code");
}
