// The small host for plugins of other targets (native/runner), compiled for one of them and kept in the user's cache.

using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Bimetal.Plugins.Bundles;
using Bimetal.Wasm.Compiler.Cache;

namespace Bimetal.Plugins.Targets;

/// <summary>How to start a runner: a program, and what stands before its own arguments.</summary>
internal sealed record RunnerProgram(string File, IReadOnlyList<string> Prefix);

/// <summary>Builds runners with clang.</summary>
internal static class RunnerBuild
{
    private const string ArmLibraries = "/usr/aarch64-linux-gnu";

    // Those of native/shim/build.
    private static readonly string[] s_flags =
    [
        "-D_GNU_SOURCE", "-std=c17", "-O2", "-fPIE", "-pie", "-fno-strict-aliasing", "-fno-omit-frame-pointer", "-fcf-protection=none", "-Wall", "-Wextra", "-Wno-macro-redefined", "-fuse-ld=lld",
    ];

    /// <summary>The runner of a target, and the loader or emulator that it needs here.</summary>
    /// <exception cref="PluginLoadException">Something that it needs is missing.</exception>
    public static RunnerProgram Prepare(BuildTarget target)
    {
        var sdk = SdkFolder.Find();
        if (CrossLibraries.Problem(target, sdk) is { } problem) throw new PluginLoadException($"{target}: {problem}");
        bool isEmulated = BuildTarget.NativeHere.Machine != target.Machine;
        if (isEmulated && !IsOnPath("qemu-aarch64")) throw new PluginLoadException($"{target}: is run under emulation, which needs qemu-aarch64; on Debian and Ubuntu: apt-get install qemu-user");
        string runner = Build(target, sdk);
        string loader = target.IsMusl ? Path.Combine(CrossLibraries.MuslRoot(target, sdk)!, $"lib/{target.Machine}-linux-musl/libc.so") : "";
        return (isEmulated, target.IsMusl) switch
        {
            (true, true) => new RunnerProgram("qemu-aarch64", [loader, runner]),
            (true, false) => new RunnerProgram("qemu-aarch64", ["-L", ArmLibraries, runner]),
            (false, true) => new RunnerProgram(loader, [runner]),
            _ => new RunnerProgram(runner, []),
        };
    }

    private static string Build(BuildTarget target, SdkFolder sdk)
    {
        string runnerFolder = Path.Combine(sdk.Home, "native/runner"), shim = Path.Combine(sdk.Home, "native/shim");
        if (!Directory.Exists(runnerFolder) || !Directory.Exists(shim)) throw new PluginLoadException($"{target}: the runner's sources are not in {runnerFolder}; run bimetal from a checkout");
        string[] flags = [.. s_flags, .. TargetFlags(target)];
        string key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
            string.Join('\0', flags) + BuildRecord.DigestOfSources(runnerFolder, shim, sdk.NativeInclude))));
        string folder = Path.Combine(CodeCache.ForUser().Folder, "runners");
        string output = Path.Combine(folder, $"{target}-{key[..32]}");
        if (File.Exists(output)) return output;
        Directory.CreateDirectory(folder);
        string aside = $"{output}.{Path.GetRandomFileName()}";
        string[] sources = [.. Directory.EnumerateFiles(runnerFolder, "*.c").Order(StringComparer.Ordinal), .. Directory.EnumerateFiles(shim, "*.c").Order(StringComparer.Ordinal)];
        Compile(target, [.. flags, "-I", sdk.NativeInclude, "-I", shim, .. Startup(target, sdk, "Scrt1.o", "crti.o"), .. sources, .. CrossLibraries.Arguments(target, sdk), .. Startup(target, sdk, "crtn.o"), "-o", aside]);
        File.Move(aside, output, overwrite: true);
        return output;
    }

    private static string[] TargetFlags(BuildTarget target)
    {
        string[] level = target.Machine == "aarch64" ? ["-march=armv8-a", "-mno-outline-atomics"] : ["-march=x86-64-v2"];
        if (!target.IsMusl) return [$"--target={target.Machine}-linux-gnu", .. level];

        // The kernel's headers are not musl's own; they come after all others.
        string kernel = target.Machine == "aarch64" ? ArmLibraries + "/include" : "/usr/include";
        string[] machine = target.Machine == "aarch64" ? [] : ["-idirafter", "/usr/include/x86_64-linux-gnu"];
        return [$"--target={target.Machine}-linux-musl", .. level, "-nostdlibinc", "-nostdlib", "-idirafter", kernel, .. machine];
    }

    private static IEnumerable<string> Startup(BuildTarget target, SdkFolder sdk, params string[] files) =>
        target.IsMusl ? files.Select(file => Path.Combine(CrossLibraries.MuslRoot(target, sdk)!, $"lib/{target.Machine}-linux-musl", file)) : [];

    private static void Compile(BuildTarget target, IReadOnlyList<string> arguments)
    {
        using var clang = Process.Start(new ProcessStartInfo(ClangCommand.Program, arguments) { RedirectStandardError = true })
            ?? throw new PluginLoadException($"{ClangCommand.Program} cannot be started");
        string errors = clang.StandardError.ReadToEnd();
        clang.WaitForExit();
        if (clang.ExitCode != 0) throw new PluginLoadException($"{target}: the runner does not compile:\n{errors.TrimEnd()}");
    }

    private static bool IsOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => folder.Length > 0 && File.Exists(Path.Combine(folder, program)));
}
