// What happens when LLVM is missing, of another version, refuses, or is led into using too much.

using System.Text;
using Bimetal.Testing;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Compiler.Emit;
using Bimetal.Wasm.Compiler.Toolchain;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Tests;

// Environment variables are the process's, so these tests run alone.
[Collection(nameof(ToolchainTests))]
[CollectionDefinition(nameof(ToolchainTests), DisableParallelization = true)]
public sealed class ToolchainTests : IDisposable
{
    private const string Small = "(module (func (export \"f\") (result i32) (i32.const 41)))";

    private static readonly Lazy<WasmModule> Exploding = new(() => Compiling.Module(LongFunction(12_000)));

    private static readonly Dictionary<string, Func<string>> Explosive = new()
    {
        ["loops in loops"] = () => $"{string.Concat(Enumerable.Repeat("(loop ", 2_000))} (br_table {string.Join(' ', Enumerable.Range(0, 2_000))} (local.get 0)) {new string(')', 2_000)} (i32.const 0)",
        ["branches to loops in loops"] = () => $"{string.Concat(Enumerable.Repeat("(loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))", 2_000))} (br_table {string.Join(' ', Enumerable.Range(0, 2_000))} (local.get 0)) {new string(')', 2_000)} (i32.const 0)",
        ["one expression"] = () => $"(local.get 0) {string.Concat(Enumerable.Repeat("local.get 0 i32.mul local.get 0 i32.add ", 10_000))}",
        ["a very long function"] = () => $"{string.Concat(Enumerable.Repeat("(if (local.get 0) (then (local.set 0 (i32.load (local.get 0)))))", 27_000))} (i32.const 0)",
        ["one block of stores"] = () => $"{string.Concat(Enumerable.Range(0, 8_000).Select(number => $"(i32.store offset={number * 4} (local.get 0) (i32.const {number * 7}))"))} (i32.const 0)",
    };

    private readonly string? _clang = Environment.GetEnvironmentVariable("BIMETAL_CLANG");
    private readonly string? _path = Environment.GetEnvironmentVariable("PATH");

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("BIMETAL_CLANG", _clang);
        Environment.SetEnvironmentVariable("PATH", _path);
    }

    [Fact]
    public void Find_WithoutClang_SaysWhatToInstall()
    {
        using var empty = new TemporaryFolder();
        Environment.SetEnvironmentVariable("BIMETAL_CLANG", null);
        Environment.SetEnvironmentVariable("PATH", empty.Path);
        var failure = Assert.Throws<ToolchainException>(() => LlvmToolchain.Find());
        Assert.Contains("apt-get install clang-19 lld-19", failure.Message, StringComparison.Ordinal);
        Assert.Contains("clang-19", failure.Message, StringComparison.Ordinal);
    }

    // What was compiled once runs on a machine without a compiler; what was not says what to install.
    [Fact]
    public void Compile_WithoutClang_UsesWhatTheCacheHas()
    {
        using var folder = new TemporaryFolder();
        var cache = new CodeCache(Path.Combine(folder.Path, "cache"));
        var module = Compiling.Module(Small);
        var compiled = new ModuleCompiler(cache).Compile([module], Compiling.Options, TestContext.Current.CancellationToken);
        Environment.SetEnvironmentVariable("BIMETAL_CLANG", null);
        Environment.SetEnvironmentVariable("PATH", folder.Path);
        var found = new ModuleCompiler(cache).Compile([module], Compiling.Options, TestContext.Current.CancellationToken);
        Assert.True(found.FromCache);
        Assert.Equal((compiled.Key, Convert.ToHexString(compiled.Bytes.Span)), (found.Key, Convert.ToHexString(found.Bytes.Span)));
        var other = Compiling.Options with { Quick = true };
        Assert.Contains("apt-get install", Assert.Throws<ToolchainException>(() => new ModuleCompiler(cache).Compile([module], other)).Message, StringComparison.Ordinal);
        File.Delete(cache.PathOf(compiled.Key));
        Assert.Throws<ToolchainException>(() => new ModuleCompiler(cache).Compile([module], Compiling.Options));
    }

    [Fact]
    public void Find_WithWrongVariable_NamesIt()
    {
        Environment.SetEnvironmentVariable("BIMETAL_CLANG", "/nowhere/clang");
        var failure = Assert.Throws<ToolchainException>(() => LlvmToolchain.Find());
        Assert.Contains("$BIMETAL_CLANG is '/nowhere/clang'", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_OfAnotherVersion_IsRefused()
    {
        using var folder = new TemporaryFolder();
        string old = folder.Write("clang", "#!/bin/sh\necho 'Debian clang version 14.0.6'\n");
        File.SetUnixFileMode(old, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Environment.SetEnvironmentVariable("BIMETAL_CLANG", old);
        var failure = Assert.Throws<ToolchainException>(() => LlvmToolchain.Find());
        Assert.Contains("14.0.6", failure.Message, StringComparison.Ordinal);
        Assert.Contains("LLVM 19", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Compile_OverCpuTime_NamesTheLimit() =>
        AssertLimit(nameof(ToolchainLimits.CpuTime), Exploding.Value, new ToolchainLimits { CpuTime = TimeSpan.FromSeconds(1) });

    [Fact]
    public void Compile_OverOptimizationTime_LeavesItOut()
    {
        var limits = new ToolchainLimits { OptimizationTime = TimeSpan.FromSeconds(1) };
        // Where loads may go, the emitter writes the same for both.
        var options = Compiling.Options with { Mode = CompileMode.Relaxed };
        var compiled = new ModuleCompiler(null, limits).Compile([Exploding.Value], options, TestContext.Current.CancellationToken);
        var quick = new ModuleCompiler().Compile([Exploding.Value], options with { Quick = true }, TestContext.Current.CancellationToken);
        Assert.Equal(quick.Bytes.Length, compiled.Bytes.Length);
    }

    [Fact]
    public void Compile_OverWallTime_NamesTheLimit() =>
        AssertLimit(nameof(ToolchainLimits.WallTime), Exploding.Value, new ToolchainLimits { WallTime = TimeSpan.FromMilliseconds(300) });

    [Fact]
    public void Compile_OverAddressSpace_NamesTheLimit() =>
        AssertLimit(nameof(ToolchainLimits.AddressSpaceBytes), Compiling.Module(LongFunction(40_000)), new ToolchainLimits { AddressSpaceBytes = 300L << 20 });

    [Fact]
    public void Compile_OverStackBytes_NamesTheLimit() =>
        AssertLimit(nameof(ToolchainLimits.StackBytes), Compiling.Module(Small), new ToolchainLimits { StackBytes = 64 << 10 });

    [Fact]
    public void Compile_OverFileBytes_NamesTheLimit() =>
        AssertLimit(nameof(ToolchainLimits.FileBytes), Compiling.Module(Small), new ToolchainLimits { FileBytes = 512 });

    [Fact]
    public void Compile_OverIrCharacters_NamesTheLimit() =>
        AssertLimit(nameof(ToolchainLimits.IrCharacters), Compiling.Module(Small), new ToolchainLimits { IrCharacters = 10 });

    [Fact]
    public void Compile_OfFunctionOverFunctionIrCharacters_NamesTheLimit() =>
        AssertLimit(nameof(ToolchainLimits.FunctionIrCharacters), Compiling.Module(Small), new ToolchainLimits { FunctionIrCharacters = 10 });

    [Fact]
    public void Compile_OfFewBytesThatAskForMuchIr_NamesTheLimit()
    {
        // Two bytes for each branch, a thousand values with each of them; and five thousand locals that may differ behind each.
        string results = string.Concat(Enumerable.Repeat("i64 ", 1000));
        string values = string.Concat(Enumerable.Range(0, 1000).Select(number => $"(i64.const {number})"));
        string branches = string.Concat(Enumerable.Repeat("(br_if 0 (local.get 0))", 20_000));
        string drops = string.Concat(Enumerable.Repeat("drop ", 1000));
        string branching = $"(module (func (param i32) (block (result {results}) {values} {branches}) {drops}))";
        string assigned = string.Concat(Enumerable.Range(0, 5_000).Select(number => $"(local.set {number} (i64.const 1))"));
        string wide = $"(module (func (local {string.Concat(Enumerable.Repeat("i64 ", 5_000))} i32) (block {string.Concat(Enumerable.Repeat("(br_if 0 (local.get 5000))", 1_000))} {assigned})))";
        var limits = new ToolchainLimits { IrCharacters = 10_000_000 };
        AssertLimit(nameof(ToolchainLimits.IrCharacters), Compiling.Module(branching), limits);
        AssertLimit(nameof(ToolchainLimits.IrCharacters), Compiling.Module(wide), limits);
    }

    // Each took a minute to many when LLVM was let at it. The limit is far from what it takes now, a second at most.
    [Theory]
    [InlineData("loops in loops")]
    [InlineData("branches to loops in loops")]
    [InlineData("one expression")]
    [InlineData("one block of stores")]
    [InlineData("a very long function")]
    public void Compile_OfWhatWouldExplode_LeavesOutOptimisation(string name)
    {
        var module = Compiling.Module($"(module (memory 1) (func (export \"{name}\") (param i32) (result i32) {Explosive[name]()}) (func (export \"other\") (result i32) (call 0 (i32.const 0))))");
        var effort = name == "a very long function" ? Effort.CodeGenerator : Effort.Least;
        Assert.Equal([Effort.Full, effort], ImageEmitter.Emit([module], Compiling.Options, partitionBytes: 1 << 30, EmissionBudget.Unlimited).Partitions.Select(partition => partition.Effort));
        var limits = new ToolchainLimits { CpuTime = TimeSpan.FromSeconds(30) };
        foreach (bool quick in (bool[])[false, true])
            Assert.NotEmpty(new ModuleCompiler(null, limits).Compile([module], Compiling.Options with { Quick = quick }, TestContext.Current.CancellationToken).Bytes.ToArray());
    }

    // A thousand vectors as results once took LLVM minutes; they are left in memory now.
    [Fact]
    public void Compile_OfFunctionsWithAThousandVectorResults_IsQuick()
    {
        string types = string.Concat(Enumerable.Repeat("v128 ", 1000)), values = string.Concat(Enumerable.Repeat("(i32x4.splat (local.get 0))", 1000));
        var module = Compiling.Module($"(module (func $f (param i32) (result {types}) {values}) (func (export \"g\") (param i32) (result {types}) (call $f (local.get 0))))");
        var limits = new ToolchainLimits { CpuTime = TimeSpan.FromSeconds(20) };
        Assert.NotEmpty(new ModuleCompiler(null, limits).Compile([module], Compiling.Options, TestContext.Current.CancellationToken).Bytes.ToArray());
    }

    // 2 KB of module for 10 million characters: a phi for each result, with an entry for each label that is not the default's.
    [Fact]
    public void Emit_OfFewBytesThatStandForEndlessIr_StopsOnTheWay()
    {
        string types = string.Join(' ', Enumerable.Repeat("i32", 500)), labels = string.Join(' ', Enumerable.Repeat('0', 1000));
        string values = string.Concat(Enumerable.Repeat("local.get 0 ", 500)), drops = string.Concat(Enumerable.Repeat("drop ", 500));
        var module = Compiling.Module($"(module (func (param i32) block (result {types}) block (result {types}) {values} local.get 0 br_table {labels} 1 end end {drops}))");
        var failure = Assert.Throws<ToolchainException>(() => ImageEmitter.Emit([module], Compiling.Options, partitionBytes: 1 << 20, new EmissionBudget(1 << 20, 1 << 30)));
        Assert.Equal(nameof(ToolchainLimits.IrCharacters), failure.Limit);
    }

    [Fact]
    public void Build_OverFrameBytes_NamesTheLimit()
    {
        // IR as the emitter writes it, with a frame that LLVM needs no minutes to make.
        string ir = Compiling.Ir(Small).Replace("  ret i32 41", "  %big = alloca [200000 x i8]\n  call void @raise(ptr %big, i32 1)\n  ret i32 41", StringComparison.Ordinal);
        Assert.Contains("%big", ir, StringComparison.Ordinal);
        var builder = new ImageBuilder(LlvmToolchain.Find(), new ToolchainLimits(), null);
        var failure = Assert.Throws<ToolchainException>(() => builder.Build(new ImageIr([new PartitionIr([new StringBuilder(ir)])]), Compiling.Options, 1, [], CancellationToken.None));
        Assert.Equal(nameof(ToolchainLimits.FrameBytes), failure.Limit);
    }

    // LLVM takes the parameter away, and crashed where the function's debug information had no type.
    [Fact]
    public void Compile_OfFunctionWithAnUnusedParameter_Works()
    {
        const string text = """
            (module (memory 1)
              (func $f (param i32 i32) (result i32)
                (if (result i32) (local.get 0)
                  (then (i32.xor (call $f (i32.sub (local.get 0) (i32.const 1)) (local.get 1)) (i32.load8_u (local.get 0))))
                  (else (i32.const 1))))
              (func (export "g") (param i32) (result i32) (i32.add (call $f (local.get 0) (local.get 0)) (call $f (i32.const 9) (i32.const 7)))))
            """;
        Assert.NotEmpty(Compiling.Image(text));
    }

    [Fact]
    public void Compile_Cancelled_Ends()
    {
        using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        Assert.Throws<OperationCanceledException>(() => new ModuleCompiler().Compile([Exploding.Value], Compiling.Options, cancellation.Token));
    }

    [Fact]
    public void Compile_OfUnknownCpu_SaysWhatClangSaid()
    {
        var failure = Assert.Throws<ToolchainException>(() => Compiling.Image(Small, Compiling.Options with { Cpu = "x86-64-v99" }));
        Assert.Contains("x86-64-v99", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Compile_WithOptionInCpuName_IsRefused() =>
        Assert.Throws<ArgumentException>(() => Compiling.Image(Small, Compiling.Options with { Cpu = "x\" \"target-features\"=\"+avx" }));

    [Fact]
    public void Compile_LeavesNoTemporaryFiles()
    {
        using var folder = new TemporaryFolder();
        string? before = Environment.GetEnvironmentVariable("TMPDIR");
        Environment.SetEnvironmentVariable("TMPDIR", folder.Path);
        try
        {
            var module = Compiling.Module(Small);
            new ModuleCompiler().Compile([module], Compiling.Options, TestContext.Current.CancellationToken);
            Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
        }
        finally
        {
            Environment.SetEnvironmentVariable("TMPDIR", before);
        }
    }

    private static void AssertLimit(string limit, WasmModule module, ToolchainLimits limits)
    {
        var failure = Assert.Throws<ToolchainException>(() => new ModuleCompiler(null, limits).Compile([module], Compiling.Options));
        Assert.Equal(limit, failure.Limit);
        Assert.Contains(limit, failure.Message, StringComparison.Ordinal);
    }

    // One long function whose blocks all depend on each other.
    private static string LongFunction(int count)
    {
        var text = new StringBuilder("(module (memory 1) (func (export \"f\") (param i64 i64) (result i64) (local i64)\n(loop $l\n");
        for (int index = 0; index < count; index++)
        {
            text.Append($"(local.set 2 (i64.add (i64.mul (local.get 2) (i64.load offset={index * 8} (i32.const 0))) (i64.rotl (local.get 0) (local.get 1))))\n");
            if (index % 10 == 0) text.Append("(br_if $l (i64.eqz (local.get 2)))\n");
        }

        return text.Append(") (local.get 2)))").ToString();
    }
}
