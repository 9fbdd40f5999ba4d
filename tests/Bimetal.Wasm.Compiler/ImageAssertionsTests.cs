// A linked image refers to nothing outside of itself, and whatever does is refused.

using Bimetal.Testing;
using Bimetal.Wasm.Compiler.Toolchain;

namespace Bimetal.Wasm.Compiler.Tests;

public sealed class ImageAssertionsTests
{
    private const string Everything = """
        (module
          (import "env" "host" (func $host (param i32 i64 f32 f64 v128 funcref) (result i64)))
          (memory 1 2) (table 3 5 funcref) (elem declare func $host)
          (func (export "all") (param i32) (result f64)
            (drop (memory.grow (i32.const 1)))
            (memory.copy (i32.const 0) (i32.const 10) (local.get 0))
            (memory.fill (i32.const 0) (i32.const 10) (local.get 0))
            (drop (table.grow 0 (ref.null func) (i32.const 1)))
            (table.set 0 (i32.const 0) (ref.func $host))
            (drop (call $host (local.get 0) (i64.const 1) (f32.const 2) (f64.const 3) (v128.const i32x4 1 2 3 4) (table.get 0 (i32.const 0))))
            (f64.nearest (f64.convert_i64_u (i64.trunc_f64_u (f64.load (local.get 0)))))))
        """;

    // A guest loop that LLVM knows as memset, and one that it knows as memcpy.
    private const string Loops = """
        (module (memory 4)
          (func (export "set") (local i32)
            (loop $next
              (i32.store8 offset=100 (local.get 0) (i32.const 0))
              (local.set 0 (i32.add (local.get 0) (i32.const 1)))
              (br_if $next (i32.ne (local.get 0) (i32.const 5000)))))
          (func (export "copy") (local i32)
            (loop $next
              (i64.store offset=65536 (local.get 0) (i64.load (local.get 0)))
              (local.set 0 (i32.add (local.get 0) (i32.const 8)))
              (br_if $next (i32.ne (local.get 0) (i32.const 8000))))))
        """;

    [Theory]
    [InlineData(TargetPlatform.LinuxX64)]
    [InlineData(TargetPlatform.LinuxArm64)]
    public void Compile_OfEveryKindOfReference_LeavesNoneOutside(TargetPlatform target)
    {
        byte[] image = Compiling.Image(Everything, new CompileOptions { Target = target });
        Assert.Empty(ImageAssertions.Problems(image, target, 1));
        var elf = ElfImage.TryRead(image)!;
        Assert.DoesNotContain(elf.Segments, segment => segment.IsWritable && segment.Type == ElfSegment.Load);
    }

    [Theory]
    [InlineData("extern int outside(int); int f(int x) { return outside(x); }", "dynamic symbol")]
    [InlineData("int variable; int f(int x) { return variable += x; }", "writable")]
    [InlineData("int f(int); int (*pointer)(int) = f; int f(int x) { return x; }", "RELA")]
    [InlineData("__attribute__((constructor)) void f(void) { *(volatile int *)16 = 0; }", "INIT_ARRAY")]
    [InlineData("__thread int local; int *f(void) { return &local; }", "thread-local")]
    [InlineData("int exported(int x) { return x; }", "dynamic symbol")]
    [InlineData("__asm__(\".section .both,\\\"awx\\\"\\nnop\"); int f(int x) { return x; }", "writable and executable")]
    [InlineData("static int f(int x) { return x; }", "entry point")]
    public void Problems_OfForbiddenConstruct_NameIt(string source, string problem)
    {
        byte[] image = Link(source);
        Assert.Contains(ImageAssertions.Problems(image, TargetPlatform.LinuxX64, 1), text => text.Contains(problem, StringComparison.Ordinal));
    }

    [Fact]
    public void Problems_OfAnotherMachine_AreReported()
    {
        byte[] image = Compiling.Image("(module (func (export \"f\")))");
        Assert.Contains(ImageAssertions.Problems(image, TargetPlatform.LinuxArm64, 1), text => text.Contains("machine", StringComparison.Ordinal));
        Assert.Contains(ImageAssertions.Problems(image, TargetPlatform.LinuxX64, 2), text => text.Contains("modules", StringComparison.Ordinal));
    }

    [Fact]
    public void Problems_OfTruncatedImage_AreReportedForEveryLength()
    {
        byte[] image = Compiling.Image("(module (func (export \"f\")))");
        for (int length = 0; length < image.Length; length += 61)
        {
            // The section headers at the end are not needed to run it.
            if (length >= ElfImage.TryRead(image)!.Segments.Max(segment => (long)(segment.Offset + segment.FileSize))) break;
            Assert.NotEmpty(ImageAssertions.Problems(image.AsMemory(0, length), TargetPlatform.LinuxX64, 1));
        }
    }

    [Fact]
    public void GuestLoops_ThatLlvmKnows_StayLoops()
    {
        byte[] image = Compiling.Image(Loops, Compiling.Options with { KeepSymbols = true, Mode = CompileMode.Relaxed });
        Assert.DoesNotContain(Compiling.Symbols(image), name => name.Contains("mem", StringComparison.Ordinal));
        Assert.DoesNotContain("mem", Compiling.Disassembly(image), StringComparison.Ordinal);
    }

    [Fact]
    public void GuestLoops_WithoutTheirAttribute_WouldCallMemset()
    {
        // The same IR with builtins allowed: shows that the test above can fail.
        using var folder = new TemporaryFolder();
        string ir = Compiling.Ir(Loops, Compiling.Options with { Mode = CompileMode.Relaxed }).Replace("\"no-builtins\"", "", StringComparison.Ordinal);
        string assembly = Compiling.Run("clang-19", "-x", "ir", "-O2", "-fPIC", "-S", folder.Write("loops.ll", ir), "-o", "-");
        Assert.Contains("memset", assembly, StringComparison.Ordinal);
    }

    [Fact]
    public void BulkOperations_OfGuestCode_UseRoutinesOfTheImage()
    {
        byte[] image = Compiling.Image(Everything, Compiling.Options with { KeepSymbols = true });
        Assert.Contains("bimetal_memory_move", Compiling.Symbols(image));
        Assert.Contains("bimetal_memory_set", Compiling.Symbols(image));
    }

    private static byte[] Link(string source)
    {
        using var folder = new TemporaryFolder();
        string c = folder.Write("bad.c", source);
        string o = Path.Combine(folder.Path, "bad.o");
        string so = Path.Combine(folder.Path, "bad.so");
        Compiling.Run("clang-19", "--target=x86_64-unknown-linux-gnu", "-O1", "-fPIC", "-c", c, "-o", o);
        Compiling.Run("ld.lld-19", "-shared", "--hash-style=sysv", "-z", "rodynamic", o, "-o", so);
        return File.ReadAllBytes(so);
    }
}
