// `bimetal wast PATH…`: everything but the command line itself.

using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Compiler.Toolchain;

namespace Bimetal.Wasm.Engine.Wast;

/// <summary>Runs test scripts of the specification's format and prints what failed.</summary>
public static class WastCommandRunner
{
    /// <summary>Runs the scripts. The last line of <paramref name="output"/> is <c>N passed, N failed, N skipped</c>.</summary>
    /// <returns>0 when nothing failed, 1 when something did, 2 when a path is no script.</returns>
    public static int Run(WastRequest request, TextWriter output, TextWriter error)
    {
        ArgumentNullException.ThrowIfNull(request);
        var compiler = new ModuleCompiler(request.Cache);
        return Run(request, modules => compiler.Compile(modules, request.Compile), output, error);
    }

    internal static int Run(WastRequest request, CompileBatch compile, TextWriter output, TextWriter error)
    {
        try
        {
            // Without a compiler every module would fail for the same reason.
            LlvmToolchain.Find(request.Cache);
            using var finder = new WastScriptFinder();
            var tallies = new WastRunner(request, compile, error).Run(finder.Find(request.Paths, request.Threads));
            foreach (string failure in tallies.SelectMany(tally => tally.Failures)) output.WriteLine(failure);
            int failed = tallies.Sum(tally => tally.Failed);
            output.WriteLine($"{tallies.Sum(tally => tally.Passed)} passed, {failed} failed, {tallies.Sum(tally => tally.Skipped)} skipped");
            return failed == 0 ? ExitCodes.Success : ExitCodes.Failure;
        }
        catch (WastException exception)
        {
            error.WriteLine(exception.Message);
            return ExitCodes.WrongUsage;
        }
        catch (ToolchainException exception)
        {
            error.WriteLine(exception.Message);
            return ExitCodes.Failure;
        }
    }
}
