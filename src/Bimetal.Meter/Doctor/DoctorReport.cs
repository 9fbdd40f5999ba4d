// All findings of `bimetal doctor`, and their table.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Wasm.Compiler.Cache;

namespace Bimetal.Meter.Doctor;

public static class DoctorReport
{
    /// <summary>Looks at everything; runs the tools' <c>--version</c>.</summary>
    public static IReadOnlyList<Finding> Examine() => [BuildFinding(), CacheFinding(), .. ToolFindings.All(), .. KernelFindings.All()];

    /// <summary>Writes one line per finding and a remedy below each that needs one. True when nothing is missing.</summary>
    public static bool Write(IReadOnlyList<Finding> findings, TextWriter output)
    {
        foreach (var finding in findings)
        {
            string mark = finding.Verdict switch { Verdict.Good => "ok     ", Verdict.Warning => "warning", _ => "MISSING" };
            output.WriteLine($"{mark}  {finding.Subject,-22} {finding.Value}");
            if (finding.Remedy is not null) output.WriteLine($"         {"",-22} mend: {finding.Remedy}");
        }

        int missing = findings.Count(finding => finding.Verdict == Verdict.Missing);
        int warnings = findings.Count(finding => finding.Verdict == Verdict.Warning);
        output.WriteLine($"{missing} missing, {warnings} warnings");
        return missing == 0;
    }

    /// <summary>Version, framework and kind of this build in one line, as <c>--version</c> prints it.</summary>
    public static string VersionLine()
    {
        string version = typeof(DoctorReport).Assembly.GetName().Version!.ToString(3);
        string kind = RuntimeFeature.IsDynamicCodeSupported ? "JIT" : "NativeAOT";
        string support = Environment.Version.Major >= 10 ? "" : ", out of support: the .NET 10 NativeAOT pack could not be restored where this was built";
        return $"bimetal {version} ({RuntimeInformation.FrameworkDescription} {kind}{support}; {RuntimeInformation.RuntimeIdentifier})";
    }

    private static Finding BuildFinding() => Environment.Version.Major >= 10
        ? Finding.Good("bimetal", VersionLine())
        : new Finding("bimetal", Verdict.Warning, VersionLine(), "restore Microsoft.NETCore.App.Runtime.NativeAOT.linux-x64 10.0, then build again");

    private static Finding CacheFinding()
    {
        string folder = CodeCache.ForUser().Folder;
        try
        {
            Directory.CreateDirectory(folder);
            string probe = Path.Combine(folder, Path.GetRandomFileName());
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
            return Finding.Good("code cache", folder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new Finding("code cache", Verdict.Missing, $"{folder}: {exception.Message}", "set BIMETAL_CACHE to a folder that can be written");
        }
    }
}
