// The programs that Bimetal calls: the compiler and linker, which it needs to compile, and those that only tests and benches use.

using System.ComponentModel;
using System.Diagnostics;

namespace Bimetal.Meter.Doctor;

internal static class ToolFindings
{
    private const int VersionTimeoutMs = 5000;

    internal static IEnumerable<Finding> All()
    {
        yield return Required("clang-19", "apt-get install clang-19");
        yield return Required("ld.lld-19", "apt-get install lld-19");
        yield return Optional("dotnet", "builds the binary and the tests", "install the .NET SDK 10");
        yield return Optional("wast2json", "runs the specification's test suite", "apt-get install wabt");
        yield return Optional("node", "V8 as a peer of the engine's benchmark", "apt-get install nodejs");
        yield return Optional("aarch64-linux-gnu-gcc", "native plugins for arm64", "apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross");
    }

    private static Finding Required(string command, string remedy) => VersionOf(command) is { } version
        ? Finding.Good(command, version)
        : new Finding(command, Verdict.Missing, "not found; needed to compile plugins", remedy);

    private static Finding Optional(string command, string purpose, string remedy) => VersionOf(command) is { } version
        ? Finding.Good(command, version)
        : new Finding(command, Verdict.Warning, "not found; " + purpose, remedy);

    /// <summary>First line that <c>COMMAND --version</c> prints, or null when it cannot be run.</summary>
    private static string? VersionOf(string command)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command, "--version") { RedirectStandardOutput = true, RedirectStandardError = true });
            string? line = process!.StandardOutput.ReadLine();
            if (!process.WaitForExit(VersionTimeoutMs)) process.Kill();
            return string.IsNullOrWhiteSpace(line) ? "found" : line.Trim();
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
