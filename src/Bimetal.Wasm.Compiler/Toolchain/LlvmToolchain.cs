// clang and ld.lld of LLVM 19: where they are, which they are, and one run of each. Textual IR is not stable across versions of LLVM,
// so another version is refused.

using System.Globalization;
using System.Text;
using Bimetal.Wasm.Compiler.Cache;

namespace Bimetal.Wasm.Compiler.Toolchain;

/// <summary>An installed LLVM 19.</summary>
public sealed class LlvmToolchain
{
    public const int RequiredVersion = 19;

    private const string Remedy = "Install it with `apt-get install clang-19 lld-19`, or point $BIMETAL_CLANG and $BIMETAL_LLD at it.";

    private LlvmToolchain(string clangPath, string linkerPath, string version)
    {
        ClangPath = clangPath;
        LinkerPath = linkerPath;
        Version = version;
    }

    public string ClangPath { get; }

    public string LinkerPath { get; }

    /// <summary>First lines of <c>clang --version</c> and <c>ld.lld --version</c>.</summary>
    public string Version { get; }

    /// <summary>Finds the toolchain; throws <see cref="ToolchainException"/> when it is missing or of another version.</summary>
    /// <param name="cache">Remembers versions, so that a cache hit need not start clang; null asks clang each time.</param>
    public static LlvmToolchain Find(CodeCache? cache = null)
    {
        string clang = Locate("BIMETAL_CLANG", "clang-19", "clang");
        string? besideClang = Path.GetDirectoryName(Resolve(clang)) is { } folder ? Path.Combine(folder, "ld.lld") : null;
        string linker = Locate("BIMETAL_LLD", "ld.lld-19", besideClang ?? "ld.lld");
        string key = CacheKey.Of("toolchain", Describe(clang), Describe(linker));
        if (cache?.TryRead(key) is { } known) return new LlvmToolchain(clang, linker, Encoding.UTF8.GetString(known));
        string version = $"{AskVersion(clang, "clang version ")}; {AskVersion(linker, "LLD ")}";
        cache?.Write(key, Encoding.UTF8.GetBytes(version));
        return new LlvmToolchain(clang, linker, version);
    }

    internal void Compile(IReadOnlyList<string> arguments, string folder, ToolchainLimits limits, CancellationToken cancellation) =>
        Run("clang", ClangPath, arguments, folder, limits, cancellation);

    internal void Link(IReadOnlyList<string> arguments, string folder, ToolchainLimits limits, CancellationToken cancellation) =>
        Run("ld.lld", LinkerPath, arguments, folder, limits, cancellation);

    private static void Run(string name, string path, IReadOnlyList<string> arguments, string folder, ToolchainLimits limits, CancellationToken cancellation)
    {
        var result = ChildProcess.Run(path, arguments, folder, limits, cancellation);
        if (result.Limit is { } limit) throw new ToolchainException($"{name} ran over the limit {limit} ({DescribeLimit(limit, limits)}).", limit);
        if (result.ExitCode != 0)
        {
            throw new ToolchainException($"{name} failed with exit code {result.ExitCode}: {FirstLines(result.Errors)}");
        }
    }

    private static string DescribeLimit(string limit, ToolchainLimits limits) => limit switch
    {
        nameof(ToolchainLimits.CpuTime) => string.Create(CultureInfo.InvariantCulture, $"{limits.CpuTime.TotalSeconds} s"),
        nameof(ToolchainLimits.WallTime) => string.Create(CultureInfo.InvariantCulture, $"{limits.WallTime.TotalSeconds} s"),
        nameof(ToolchainLimits.AddressSpaceBytes) => $"{limits.AddressSpaceBytes >> 20} MiB",
        nameof(ToolchainLimits.FileBytes) => $"{limits.FileBytes >> 20} MiB",
        nameof(ToolchainLimits.StackBytes) => $"{limits.StackBytes >> 10} KiB, or it crashed",
        _ => $"{ToolchainLimits.FrameBytes >> 10} KiB of stack in one function",
    };

    private static string Locate(string variable, string name, string alternative)
    {
        if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } chosen)
        {
            return ExecutableSearch.Find(chosen) ?? throw new ToolchainException($"${variable} is '{chosen}', which is not an executable. {Remedy}");
        }

        return ExecutableSearch.Find(name) ?? ExecutableSearch.Find(alternative) ?? throw new ToolchainException($"{name} was not found. {Remedy}");
    }

    private static string AskVersion(string tool, string marker)
    {
        using var folder = new PrivateFolder();
        var limits = new ToolchainLimits { CpuTime = TimeSpan.FromSeconds(10), WallTime = TimeSpan.FromSeconds(30) };
        string output = ChildProcess.Run(tool, ["--version"], folder.Location, limits, CancellationToken.None).Output;
        string line = output.Split('\n')[0].Trim();
        int start = line.IndexOf(marker, StringComparison.Ordinal);
        bool isRequired = start >= 0 && line[(start + marker.Length)..].StartsWith($"{RequiredVersion}.", StringComparison.Ordinal);
        return isRequired ? line : throw new ToolchainException($"{tool} is not of LLVM {RequiredVersion} (it says '{line}'). {Remedy}");
    }

    // Changes whenever the package is upgraded.
    private static string Describe(string tool)
    {
        var file = new FileInfo(Resolve(tool));
        return string.Create(CultureInfo.InvariantCulture, $"{file.FullName} {file.Length} {file.LastWriteTimeUtc.Ticks}");
    }

    private static string Resolve(string path) => File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;

    private static string FirstLines(string text) => string.Join('\n', text.Split('\n').Take(8)).Trim();
}
