// From LLVM IR to checked ELF bytes: clang once for each partition, side by side, then lld, then the assertions.

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Compiler.Emit;
using Bimetal.Wasm.Compiler.Toolchain.Map;

namespace Bimetal.Wasm.Compiler.Toolchain;

/// <summary>Builds images from IR.</summary>
internal sealed class ImageBuilder(LlvmToolchain toolchain, ToolchainLimits limits, CodeCache? cache, IProgress<CompileProgress>? progress = null)
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
        stages.Add(("clang", clock.Elapsed));
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
        var effort = ir.Effort;
        var optimizationTime = limits.OptimizationTime * (1 + (ir.Pieces.Sum(piece => (long)piece.Length) / OptimizedAtOnce));
        if (effort == Effort.Full && !options.Quick && optimizationTime < limits.CpuTime)
        {
            try
            {
                toolchain.Compile(IrArguments(name, options, effort), folder.Location, limits with { CpuTime = optimizationTime }, cancellation);
                return;
            }
            catch (ToolchainException exception) when (exception.Limit == nameof(ToolchainLimits.CpuTime))
            {
                effort = Effort.CodeGenerator;
            }
        }

        toolchain.Compile(IrArguments(name, options, effort), folder.Location, limits, cancellation);
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

    // LLVM widens a loop counter to 64 bits for the sake of the counter itself; what is added to it then no longer extends to an
    // address (the sum may wrap in 32 bits), and the loop is not vectorised. Left alone, each address is widened where that is proven.
    // There are no variables for debuggers, so nothing needs to look for them: 4 to 8 % of what LLVM says of its own time.
    private static string[] IrArguments(string name, CompileOptions options, Effort effort) =>
    [
        .. CommonArguments(options), "-mllvm", "-indvars-widen-indvars=0", "-mllvm", "-experimental-debug-variable-locations=false", .. TargetFlags(options),
        "-x", "ir", .. Passes(options, effort), "-Werror=frame-larger-than", "-c", name + ".ll", "-o", name + ".o",
    ];

    // What the emitter writes is in SSA form and was optimised when the module was made: the code generator alone makes usable code of it,
    // and does so in little more than half of the time without its slowest parts.
    private static string[] Passes(CompileOptions options, Effort effort) => effort switch
    {
        Effort.Least => ["-O0"],
        Effort.Full when !options.Quick => ["-O2"],
        _ =>
        [
            "-O1", "-Xclang", "-disable-llvm-passes",
            "-mllvm", "-fast-isel", "-mllvm", "-enable-misched=false", "-mllvm", "-disable-lsr", "-mllvm", "-disable-cgp", "-mllvm", "-regalloc=basic",
        ],
    };

    // Two conditions of one branch are two branches: joined without a branch, as x86's code generator likes to do, what belongs to the second
    // is computed even when the first already decides, which parsers, all of them chains of such conditions, pay for.
    private static string[] TargetFlags(CompileOptions options) => options.Target == TargetPlatform.LinuxX64 ? ["-mllvm", "-x86-br-merging-base-cost=-1"] : [];

    private static string[] RoutineArguments(CompileOptions options) =>
    [
        .. CommonArguments(options), "-O2", "-ffreestanding", "-fno-builtin", "-fvisibility=hidden", "-fno-stack-protector",
        "-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-fomit-frame-pointer", "-gline-tables-only", "-gdwarf-4", "-c", "memory.c", "-o", RoutinesObject,
    ];

    private static string[] CommonArguments(CompileOptions options) =>
        [$"--target={TargetCpu.Triple(options.Target)}", "--no-default-config", $"-march={options.Cpu}", $"-mtune={TargetCpu.Tuning(options)}", "-fPIC", "-ffp-contract=off", "-fno-crash-diagnostics"];

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
