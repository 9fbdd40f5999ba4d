// Where headers and libraries of other systems are, and in one sentence why a target cannot be built without them.
//
//   linux-arm64        Debian's cross packages
//   linux-musl-x64     Debian's musl-dev
//   linux-musl-arm64   Debian's musl-dev of arm64, unpacked by deploy/musl-arm64.sh: $BIMETAL_MUSL_ARM64, else artifacts/musl-arm64

using System.Runtime.InteropServices;

namespace Bimetal.Plugins.Bundles;

/// <summary>Finds what clang needs beside itself.</summary>
internal static class CrossLibraries
{
    private const string Multiarch = "/usr/aarch64-linux-gnu";

    /// <summary>Why a native target cannot be built here, with the remedy; null when it can.</summary>
    public static string? Problem(BuildTarget target, SdkFolder sdk)
    {
        bool isCross = target.Machine == "aarch64" && RuntimeInformation.ProcessArchitecture != Architecture.Arm64;
        if (target.IsMusl)
        {
            if (MuslRoot(target, sdk) is not null) return null;
            return isCross
                ? $"musl's headers and libraries for arm64 are not here; unpack them with {Path.Combine(sdk.Home, "deploy/musl-arm64.sh")}"
                : "musl's headers and libraries are not here; on Debian and Ubuntu: apt-get install musl-dev";
        }

        if (!isCross || File.Exists(Multiarch + "/lib/libc.so")) return null;
        return "needs the cross packages; on Debian and Ubuntu: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross";
    }

    /// <summary>
    /// Paths for clang. musl is linked by name (<c>-lc</c>): its libc.so has no name of its own, so a path would be recorded as what the
    /// plugin needs, and no other system has that path; the name libc.so is one that musl's loader itself answers to.
    /// </summary>
    public static IReadOnlyList<string> Arguments(BuildTarget target, SdkFolder sdk)
    {
        if (!target.IsMusl || MuslRoot(target, sdk) is not { } root) return [];
        return ["-isystem", $"{root}/include/{target.Machine}-linux-musl", $"-L{root}/lib/{target.Machine}-linux-musl", "-lc"];
    }

    /// <summary>The folder that holds musl's include and lib for a target; null without.</summary>
    public static string? MuslRoot(BuildTarget target, SdkFolder sdk)
    {
        string[] roots = target.Machine == "aarch64"
            ? [(Environment.GetEnvironmentVariable("BIMETAL_MUSL_ARM64") ?? "/nowhere") + "/usr", Path.Combine(sdk.Home, "artifacts/musl-arm64/usr"), "/usr"]
            : ["/usr"];
        return roots.FirstOrDefault(root => File.Exists($"{root}/lib/{target.Machine}-linux-musl/libc.so") && Directory.Exists($"{root}/include/{target.Machine}-linux-musl"));
    }
}
