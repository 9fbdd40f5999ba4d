// From LLVM IR to checked ELF bytes: clang and lld once for each partition, side by side, then lld, then the assertions.

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Compiler.Emit;
using Bimetal.Wasm.Compiler.Toolchain.Map;

namespace Bimetal.Wasm.Compiler.Toolchain;

/// <summary>Builds images from IR.</summary>
internal sealed class ImageBuilder(LlvmToolchain toolchain, ToolchainLimits limits, CodeCache? cache, IProgress<CompileProgress>? progress = null, StageShares? shares = null)
{
    private const string RoutinesObject = "memory.o";

    // Characters of IR that ToolchainLimits.OptimizationTime is for.
    private const int OptimizedAtOnce = 4 << 20;

    /// <summary>Compiles, links and checks; adds the time of each stage to <paramref name="stages"/>.</summary>
    public byte[] Build(ImageIr ir, CompileOptions options, int moduleCount, List<(string Stage, TimeSpan Time)> stages, CancellationToken cancellation)
    {
        using var folder = new PrivateFolder();
        var clock = Stopwatch.StartNew();
        CompilePartitions(ir, options, folder, cancellation);
        ProvideRoutines(options, folder, cancellation);
        stages.AddRange(shares?.Divide(clock.Elapsed) ?? [("clang", clock.Elapsed)]);
        clock.Restart();
        toolchain.Link(LinkArguments(ir.Partitions.Count, options), folder.Location, limits, cancellation);
        byte[] bytes = File.ReadAllBytes(folder.File("image.so"));
        if (options.Locations) bytes = CodeMapWriter.Append(bytes, options);
        stages.Add(("link", clock.Elapsed));
        clock.Restart();
        var problems = ImageAssertions.Problems(bytes, options.Target, moduleCount);
        if (problems.Count > 0) throw new ToolchainException($"The linked image must not be run: {string.Join("; ", problems)}.");
        stages.Add(("check", clock.Elapsed));
        return bytes;
    }

    private void CompilePartitions(ImageIr ir, CompileOptions options, PrivateFolder folder, CancellationToken cancellation)
    {
        var failures = new ConcurrentQueue<Exception>();
        int done = 0;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount };
        Parallel.For(0, ir.Partitions.Count, parallel, index =>
        {
            try
            {
                WriteIr(folder.File($"p{index}.ll"), ir.Partitions[index].Pieces);
                CompilePartition($"p{index}", options, ir.Partitions[index], folder, cancellation);
                progress?.Report(new CompileProgress(Interlocked.Increment(ref done), ir.Partitions.Count));
            }
            catch (Exception failure)
            {
                failures.Enqueue(failure);
            }
        });
        if (failures.TryDequeue(out var first)) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
    }

    private void CompilePartition(string name, CompileOptions options, PartitionIr ir, PrivateFolder folder, CancellationToken cancellation)
    {
        var effort = options.Quick && ir.Effort == Effort.Full ? Effort.CodeGenerator : ir.Effort;
        var optimizationTime = limits.OptimizationTime * (1 + (ir.Pieces.Sum(piece => (long)piece.Length) / OptimizedAtOnce));
        if (effort == Effort.Full)
        {
            try
            {
                Optimize(name, options, optimizationTime < limits.CpuTime ? limits with { CpuTime = optimizationTime } : limits, folder, cancellation);
                return;
            }
            catch (ToolchainException exception) when (exception.Limit == nameof(ToolchainLimits.CpuTime) && optimizationTime < limits.CpuTime)
            {
                effort = Effort.CodeGenerator;
            }
        }

        long start = Stopwatch.GetTimestamp();
        toolchain.Compile(LlvmArguments.Generate(name, options, effort), folder.Location, limits, cancellation);
        shares?.AddGeneration(Stopwatch.GetElapsedTime(start));
    }

    // clang reads the text, lld optimises and generates code: it is the one that takes a list of passes.
    private void Optimize(string name, CompileOptions options, ToolchainLimits bounds, PrivateFolder folder, CancellationToken cancellation)
    {
        toolchain.Compile(LlvmArguments.Read(name, options), folder.Location, bounds, cancellation);
        toolchain.Link(LlvmArguments.Optimize(name, options, isMeasured: shares is not null), folder.Location, bounds, cancellation);
        File.Delete(folder.File(name + ".bc"));
        shares?.AddTrace(folder.File(name + ".trace"));
    }

    private static void WriteIr(string path, IReadOnlyList<StringBuilder> pieces)
    {
        using var file = new StreamWriter(path, append: false, Encoding.ASCII);
        foreach (var chunk in pieces.SelectMany(Chunks)) file.Write(chunk.Span);
    }

    private static IEnumerable<ReadOnlyMemory<char>> Chunks(StringBuilder text)
    {
        foreach (var chunk in text.GetChunks()) yield return chunk;
    }

    // The routines in C are the same for all images of a target, so their object is cached on its own.
    private void ProvideRoutines(CompileOptions options, PrivateFolder folder, CancellationToken cancellation)
    {
        string key = CacheKey.OfGuestRoutines(options, toolchain.Version);
        if (cache?.TryRead(key) is { } known)
        {
            File.WriteAllBytes(folder.File(RoutinesObject), known);
            return;
        }

        using (var source = typeof(ImageBuilder).Assembly.GetManifestResourceStream("memory.c")!)
        using (var file = File.Create(folder.File("memory.c")))
        {
            source.CopyTo(file);
        }

        toolchain.Compile(RoutineArguments(options), folder.Location, limits, cancellation);
        cache?.Write(key, File.ReadAllBytes(folder.File(RoutinesObject)));
    }

    private static string[] RoutineArguments(CompileOptions options) =>
    [
        .. LlvmArguments.Common(options), "-O2", "-ffreestanding", "-fno-builtin", "-fvisibility=hidden", "-fno-stack-protector",
        "-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-fomit-frame-pointer", "-gline-tables-only", "-gdwarf-4", "-c", "memory.c", "-o", RoutinesObject,
    ];

    // A shared object only in name: whatever would need a dynamic linker is an error here or in the assertions. The routines are
    // linked only if something refers to them.
    private static string[] LinkArguments(int partitionCount, CompileOptions options)
    {
        bool isArm64 = options.Target == TargetPlatform.LinuxArm64;
        var arguments = new List<string>
        {
            "-m", isArm64 ? "aarch64linux" : "elf_x86_64", "-shared", "-e", RootTable.Symbol, "-z", "text", "--no-undefined", "-z", "rodynamic",
            "-z", "separate-loadable-segments", "-z", isArm64 ? "max-page-size=65536" : "max-page-size=4096",
            "--hash-style=sysv", "--build-id=none", "-o", "image.so",
        };
        if (!options.KeepSymbols && !options.Locations) arguments.Add("--strip-all");
        for (int index = 0; index < partitionCount; index++) arguments.Add($"p{index}.o");
        arguments.AddRange(["--start-lib", RoutinesObject, "--end-lib"]);
        return [.. arguments];
    }
}
