// What a plugin can be built for, and where the artefact lies in the plugin's folder.

using System.Runtime.InteropServices;

namespace Bimetal.Plugins.Bundles;

/// <summary>One kind of artefact. Instances are the static members.</summary>
public sealed class BuildTarget
{
    private BuildTarget(string name, Metal metal, string artefact)
    {
        Name = name;
        Metal = metal;
        Artefact = artefact;
    }

    public static BuildTarget Wasm { get; } = new("wasm", Metal.Wasm, "build/plugin.wasm");

    public static BuildTarget LinuxX64 { get; } = new("linux-x64", Metal.Native, "build/linux-x64/plugin.so");

    public static BuildTarget LinuxArm64 { get; } = new("linux-arm64", Metal.Native, "build/linux-arm64/plugin.so");

    public static IReadOnlyList<BuildTarget> All { get; } = [Wasm, LinuxX64, LinuxArm64];

    /// <summary>The native target of this process.</summary>
    public static BuildTarget NativeHere { get; } = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? LinuxArm64 : LinuxX64;

    /// <summary>What is built when nothing else is said: both metals of this machine.</summary>
    public static IReadOnlyList<BuildTarget> Here { get; } = [Wasm, NativeHere];

    /// <summary>As written after <c>--targets</c>.</summary>
    public string Name { get; }

    public Metal Metal { get; }

    /// <summary>Path of the artefact, relative to the plugin's folder.</summary>
    public string Artefact { get; }

    /// <summary>The target for this process of a metal.</summary>
    public static BuildTarget Of(Metal metal) => metal == Metal.Wasm ? Wasm : NativeHere;

    /// <summary>The target of that name, or null.</summary>
    public static BuildTarget? Find(string name) => All.FirstOrDefault(target => target.Name == name);

    public override string ToString() => Name;
}
