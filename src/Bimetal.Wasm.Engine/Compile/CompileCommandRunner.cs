// `bimetal compile IN.wasm`: everything but the command line itself.

using System.Diagnostics;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Engine.Compile;

/// <summary>Compiles a module and prints sizes, time per stage and the cache key.</summary>
public static class CompileCommandRunner
{
    /// <returns>0; 1 when the module is bad, the compiler failed, or the output cannot be written.</returns>
    public static int Run(CompileRequest request, TextWriter output, TextWriter error)
    {
        try
        {
            Compile(request, output, error);
            return ExitCodes.Success;
        }
        catch (WasmModuleException exception)
        {
            error.WriteLine(exception.Error.Describe(request.File));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ToolchainException)
        {
            error.WriteLine($"{request.File}: {exception.Message}");
        }

        return ExitCodes.Failure;
    }

    private static void Compile(CompileRequest request, TextWriter output, TextWriter error)
    {
        byte[] bytes = File.ReadAllBytes(request.File);
        long start = Stopwatch.GetTimestamp();
        var module = WasmEngine.Check(bytes, request.Limits.Module);
        var checkTime = Stopwatch.GetElapsedTime(start);
        var image = new ModuleCompiler(request.Cache, request.Limits.Compilation, request.ShowProgress ? new ProgressLines(error) : null).Compile([module], request.Compile);
        if (request.Output is { } path)
        {
            // Written beside the target and renamed, so that a reader never sees half of it.
            string staging = $"{path}.{Environment.ProcessId}.part";
            File.WriteAllBytes(staging, image.Bytes.Span);
            File.Move(staging, path, overwrite: true);
        }

        output.WriteLine($"module     {bytes.Length,10:N0} bytes, {module.Functions.Length} functions, {module.Imports.Length} imports, {module.Exports.Length} exports");
        output.WriteLine($"code       {image.Bytes.Length,10:N0} bytes{(request.Output is null ? "" : " in " + request.Output)}");
        output.WriteLine($"options    {request.Compile.Describe()}");
        output.WriteLine($"cache key  {image.Key}{(image.FromCache ? " (found in the cache)" : "")}");
        WriteStage("check", checkTime);
        foreach (var (stage, time) in image.Stages) WriteStage(stage, time);

        void WriteStage(string stage, TimeSpan time) => output.WriteLine($"{stage,-10} {time.TotalMilliseconds,10:f2} ms");
    }

    private sealed class ProgressLines(TextWriter error) : IProgress<CompileProgress>
    {
        private readonly Lock _lock = new();

        // One of a few parts is done before anybody reads of it.
        public void Report(CompileProgress value)
        {
            if (value.Count == 1) return;
            lock (_lock) error.WriteLine($"[{value.Done}/{value.Count}] compiled");
        }
    }
}
