// Runs one tool of LLVM with limits, in a session and process group of its own, so that nothing it starts outlives it.

using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Bimetal.Wasm.Compiler.Toolchain;

/// <summary>How a child process ended.</summary>
internal sealed record ChildResult(int ExitCode, string Output, string Errors, string? Limit);

/// <summary>Runs child processes.</summary>
internal static class ChildProcess
{
    private const int CapturedCharacters = 64 * 1024;
    private const int KillSignal = 9;

    // Exit codes of a process that a signal ended are 128 + its number.
    private const int EndedByKill = 128 + KillSignal;
    private const int EndedByCpuLimit = 128 + 24;
    private const int EndedByFileLimit = 128 + 25;
    private const int EndedByStackLimit = 128 + 11;

    private static readonly string? SessionCommand = ExecutableSearch.Find("setsid");

    /// <summary>Runs a tool to its end.</summary>
    /// <param name="tool">Path of the executable.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="folder">Working and temporary folder of the child.</param>
    /// <param name="limits">What it may use.</param>
    /// <param name="cancellation">Kills the child.</param>
    public static ChildResult Run(string tool, IReadOnlyList<string> arguments, string folder, ToolchainLimits limits, CancellationToken cancellation)
    {
        using var process = new Process { StartInfo = Describe(tool, arguments, folder, limits) };
        var output = new StringBuilder();
        var errors = new StringBuilder();
        process.OutputDataReceived += (_, line) => Capture(output, line.Data);
        process.ErrorDataReceived += (_, line) => Capture(errors, line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        bool isOverTime = false;
        try
        {
            using var registration = cancellation.Register(() => KillGroup(process));
            isOverTime = !process.WaitForExit(limits.WallTime);
        }
        finally
        {
            KillGroup(process);
        }

        process.WaitForExit();
        cancellation.ThrowIfCancellationRequested();
        string text = errors.ToString();
        string? limit = isOverTime ? nameof(ToolchainLimits.WallTime) : LimitOf(process.ExitCode, text);
        return new ChildResult(process.ExitCode, output.ToString(), text, limit);
    }

    private static ProcessStartInfo Describe(string tool, IReadOnlyList<string> arguments, string folder, ToolchainLimits limits)
    {
        // The soft CPU limit ends a tool that goes on; the shell has no other way to set both.
        // Where a limit of this process is lower already, that one stays.
        const string script = """
            ulimit -c 0
            limit() { ulimit "$1" "$2" 2>/dev/null || [ "$(ulimit -H "$1")" -lt "$2" ]; }
            limit -t "$1" && limit -v "$2" && limit -f "$3" && limit -s "$4" && shift 4 && exec "$@"
            """;
        var start = new ProcessStartInfo(SessionCommand ?? "/bin/sh")
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        if (SessionCommand is not null) start.ArgumentList.Add("/bin/sh");
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(script);
        start.ArgumentList.Add("sh");
        start.ArgumentList.Add(Number((long)Math.Ceiling(limits.CpuTime.TotalSeconds)));
        start.ArgumentList.Add(Number(limits.AddressSpaceBytes / 1024));
        start.ArgumentList.Add(Number(limits.FileBytes / 512));
        start.ArgumentList.Add(Number(limits.StackBytes / 1024));
        start.ArgumentList.Add(tool);
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        string? path = Environment.GetEnvironmentVariable("PATH");
        start.Environment.Clear();
        start.Environment["PATH"] = path;
        start.Environment["TMPDIR"] = folder;
        start.Environment["LC_ALL"] = "C";
        // LLVM allocates and frees small blocks all the time: glibc keeps more of them at hand, which saves 1 to 2 % of the instructions.
        // With large pages a compilation has a quarter of the page faults.
        start.Environment["GLIBC_TUNABLES"] = "glibc.malloc.tcache_count=4000:glibc.malloc.hugetlb=1";
        return start;
    }

    private static void Capture(StringBuilder text, string? line)
    {
        if (line is null || text.Length > CapturedCharacters) return;
        text.Append(line).Append('\n');
    }

    private static string? LimitOf(int exitCode, string errors) => exitCode switch
    {
        0 => null,
        EndedByCpuLimit or EndedByKill => nameof(ToolchainLimits.CpuTime),
        EndedByFileLimit => nameof(ToolchainLimits.FileBytes),
        EndedByStackLimit => nameof(ToolchainLimits.StackBytes),
        _ when errors.Contains("stack frame size (", StringComparison.Ordinal) => nameof(ToolchainLimits.FrameBytes),
        _ when errors.Contains("out of memory", StringComparison.OrdinalIgnoreCase) => nameof(ToolchainLimits.AddressSpaceBytes),
        _ when errors.Contains("bad_alloc", StringComparison.Ordinal) => nameof(ToolchainLimits.AddressSpaceBytes),
        _ when errors.Contains("Cannot allocate memory", StringComparison.Ordinal) => nameof(ToolchainLimits.AddressSpaceBytes),
        _ => null,
    };

    // setsid makes the child the leader of a group with its own number. The group outlives its leader while it has members.
    private static void KillGroup(Process process)
    {
        if (SessionCommand is not null) _ = Kill(-process.Id, KillSignal);
        if (!process.HasExited) process.Kill(entireProcessTree: true);
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int processOrGroup, int signal);
}
