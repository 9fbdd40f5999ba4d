// Platforms as images spell them, and the build targets that they stand for.

using Bimetal.Wasm.Compiler;

namespace Bimetal.Plugins.Bundles.Oci;

internal static class PlatformNames
{
    public static string ArchitectureOf(BuildTarget target) => target.Platform == TargetPlatform.LinuxArm64 ? "arm64" : "amd64";

    /// <summary>The native target of a manifest of an index; null when it is for something else.</summary>
    public static BuildTarget? TargetOf(OciDescriptor manifest)
    {
        if (manifest.Os != "linux") return null;
        bool isMusl = manifest.Annotations.GetValueOrDefault(MediaTypes.Libc) == "musl";
        return BuildTarget.All.FirstOrDefault(
            target => target.Kind == ArtefactKind.Native && target.IsMusl == isMusl && ArchitectureOf(target) == manifest.Architecture);
    }
}
