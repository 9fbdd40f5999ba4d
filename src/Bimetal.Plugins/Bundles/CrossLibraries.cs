// Where headers and libraries of other systems are, and in one sentence why a target cannot be built without them.
//
//   linux-arm64        Debian's cross packages
//   linux-musl-x64     Debian's musl-dev
//   linux-musl-arm64   Debian's musl-dev of arm64, unpacked by deploy/musl-arm64.sh at the first build: $BIMETAL_MUSL_ARM64, else artifacts/musl-arm64

using System.Runtime.InteropServices;
using Bimetal.Plugins.Bundles.Languages;

namespace Bimetal.Plugins.Bundles;

/// <summary>Finds what clang needs beside itself.</summary>
internal static class CrossLibraries
{
    private const string Multiarch = "/usr/aarch64-linux-gnu";
    private const string MuslScript = "deploy/musl-arm64.sh";

    private static readonly SemaphoreSlim s_once = new(1);
    private static string? s_musl;

    /// <summary>Why a native target cannot be built here, with the remedy; null when it can.</summary>
    public static string? Problem(BuildTarget target, SdkFolder sdk)
    {
        bool isCross = target.Machine == "aarch64" && RuntimeInformation.ProcessArchitecture != Architecture.Arm64;
        if (target.IsMusl)
        {
            if (MuslRoot(target, sdk) is not null) return null;
            return isCross
                ? $"musl's headers and libraries for arm64 are not here; unpack them with {Path.Combine(sdk.Home, MuslScript)}"
                : "musl's headers and libraries are not here; on Debian and Ubuntu: apt-get install musl-dev";
        }

        if (!isCross || File.Exists(Multiarch + "/lib/libc.so")) return null;
        return "needs the cross packages; on Debian and Ubuntu: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross";
    }

    /// <summary>Fetches what <see cref="Problem"/> would miss, where that changes nothing of the system: musl for arm64, once.</summary>
    /// <returns>Why that could not be done; null otherwise.</returns>
    public static async Task<string?> PrepareAsync(BuildTarget target, SdkFolder sdk, CancellationToken cancellation)
    {
        string script = Path.Combine(sdk.Home, MuslScript);
        if (target != BuildTarget.LinuxMuslArm64 || Problem(target, sdk) is null || !File.Exists(script)) return null;
        await s_once.WaitAsync(cancellation);
        try
        {
            // A network that is away is not asked for each plugin again.
            if (s_musl is not null || Problem(target, sdk) is null) return s_musl;
            var result = await CompilerProcess.RunAsync(script, [], "dpkg", sdk.Home, cancellation);
            return s_musl = result.ExitCode == 0 ? null : $"musl's headers and libraries for arm64 are not here, and {script} could not get them: {result.Messages.Trim().Split('\n')[^1]}";
        }
        finally
        {
            s_once.Release();
        }
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
