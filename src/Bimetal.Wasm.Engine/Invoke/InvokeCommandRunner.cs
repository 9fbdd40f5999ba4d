// `bimetal invoke FILE.wasm EXPORT [ARGS…]`: everything but the command line itself.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Engine.Values;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine.Invoke;

/// <summary>Runs one export of a module and prints its results.</summary>
public static class InvokeCommandRunner
{
    /// <summary>Calls the export as often as the request says.</summary>
    /// <returns>0; 1 after a trap or when the module cannot be run; 2 for a wrong export or argument; or what the guest gave to <c>proc_exit</c>.</returns>
    public static int Run(InvokeRequest request, TextWriter output, TextWriter error)
    {
        ArgumentNullException.ThrowIfNull(request);
        try
        {
            return Invoke(request, output, error);
        }
        catch (InvokeException exception)
        {
            return Fail(request, error, exception.Message, exception.ExitCode);
        }
        catch (WasmModuleException exception)
        {
            error.WriteLine(exception.Error.Describe(request.File));
            return ExitCodes.Failure;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or LinkException or InstanceLimitException
            or ToolchainException or CodeImageException)
        {
            return Fail(request, error, exception.Message, ExitCodes.Failure);
        }
        finally
        {
            output.Flush();
        }
    }

    private static int Invoke(InvokeRequest request, TextWriter output, TextWriter error)
    {
        var engine = new WasmEngine(new EngineOptions
        {
            Compile = request.Compile, Limits = request.Limits, Cache = request.Cache, GuardedMemories = request.MayCheckBounds ? 1 : 0,
        });
        using var module = engine.Load(request.File);
        if (!module.Module.Memories.IsEmpty && engine.TakeNotice() is { } notice) error.WriteLine($"{request.File}: {notice}");
        if (request.ShowStages)
        {
            foreach (var (stage, time) in module.Stages) error.WriteLine($"{stage,-12} {time.TotalMilliseconds,10:f3} ms");
        }

        using var run = new GuestRun(module.Loaded, request, output, error);
        var trap = run.Call(request.Export, request.Arguments, out var results);
        switch (trap)
        {
            case TrapCode.None:
                foreach (GuestValue result in results) output.WriteLine(result.ToString());
                if (request.ShowTime) output.WriteLine(DescribeTimes(run.CallTimes));
                return ExitCodes.Success;
            case TrapCode.Exit:
                return run.ExitCode ?? ExitCodes.Failure;
            case TrapCode.HostError:
                return Stopped(request, error, run, $"{trap.Message()}: {run.HostException?.Message ?? "no reason given"}");
            default:
                return Stopped(request, error, run, $"trap: {trap.Message()} (in {request.Export})");
        }
    }

    // The fastest call is the one that the machine disturbed least; the median says how far to trust it.
    private static string DescribeTimes(ReadOnlySpan<TimeSpan> times)
    {
        var sorted = times.ToArray();
        Array.Sort(sorted);
        return FormattableString.Invariant($"fastest {sorted[0].TotalNanoseconds:f0} ns, median {sorted[sorted.Length / 2].TotalNanoseconds:f0} ns of {sorted.Length} calls");
    }

    private static int Stopped(InvokeRequest request, TextWriter error, GuestRun run, string message)
    {
        int exitCode = Fail(request, error, message, ExitCodes.Failure);
        error.Write(run.Trace);
        return exitCode;
    }

    private static int Fail(InvokeRequest request, TextWriter error, string message, int exitCode)
    {
        error.WriteLine($"{request.File}: {message}");
        return exitCode;
    }
}
