// `bimetal compile IN.wasm`: everything but the command line itself.

using System.Diagnostics;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Decoding;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Validation;

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
        long start = Stopwatch.GetTimestamp();
        var cpuBefore = CpuClock.Now;
        var clock = new StageClock();
        byte[] bytes = clock.Measure("read", () => File.ReadAllBytes(request.File));
        var module = clock.Measure("decode", () => ModuleDecoder.Decode(bytes, request.Limits.Module, out var fault) ?? throw new WasmModuleException(fault!));
        if (clock.Measure("validate", () => ModuleValidator.Validate(module, request.Limits.Module)) is { } invalid) throw new WasmModuleException(invalid);
        var compiler = new ModuleCompiler(request.Cache, request.Limits.Compilation, request.ShowProgress ? new ProgressLines(error) : null, measuresCodeGenerator: true);
        var image = compiler.Compile([module], request.Compile);
        clock.Add(image.Stages);
        if (request.Output is { } path)
        {
            // Written beside the target and renamed, so that a reader never sees half of it.
            string staging = $"{path}.{Environment.ProcessId}.part";
            File.WriteAllBytes(staging, image.Bytes.Span);
            File.Move(staging, path, overwrite: true);
        }

        var report = new CompileReport
        {
            Module = request.File, ModuleBytes = bytes.Length, Functions = module.Functions.Length, Imports = module.Imports.Length, Exports = module.Exports.Length,
            CodeBytes = image.Bytes.Length, Output = request.Output, Options = request.Compile.Describe(), CacheKey = image.Key, FromCache = image.FromCache,
            Stages = [.. clock.Stages.Select(stage => new CompileStage(stage.Stage, stage.Time.TotalMilliseconds))],
            Seconds = Stopwatch.GetElapsedTime(start).TotalSeconds, CpuSeconds = (CpuClock.Now - cpuBefore).TotalSeconds,
        };
        if (request.WritesJson) report.WriteJson(output);
        else report.WriteText(output);
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
