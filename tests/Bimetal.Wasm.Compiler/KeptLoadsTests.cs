// In conformant mode a load out of bounds traps whatever LLVM makes of the loop around it: loops that it vectorises, loops whose result
// nobody uses, stores that are overwritten, values that cancel out.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Engine;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Compiler.Tests;

public sealed class KeptLoadsTests(KeptLoadsTests.Guests guests) : IClassFixture<KeptLoadsTests.Guests>
{
    // Bodies of loops over $p, which advances by 8; the memory is one page. $q is another address, inside.
    private static readonly Dictionary<string, string> Loops = new()
    {
        ["sum"] = "(local.set $s (i32.add (local.get $s) (i32.load (local.get $p))))",
        ["sum of bytes"] = "(local.set $s (i32.add (i32.load8_s (local.get $p)) (local.get $s)))",
        ["unused"] = "(drop (i32.load16_u (local.get $p)))",
        ["unused product"] = "(local.set $t (i32.mul (i32.load (local.get $p)) (i32.const 0)))",
        ["xor of one address"] = "(local.set $s (i32.xor (local.get $s) (i32.xor (i32.load (local.get $p)) (i32.load (local.get $p)))))",
        ["difference of one address"] = "(i32.store (local.get $q) (i32.sub (i32.load (local.get $p)) (i32.load (local.get $p))))",
        ["copy"] = "(i64.store (local.get $q) (i64.load (local.get $p)))",
        ["copy, then overwritten"] = "(i64.store (local.get $q) (i64.load (local.get $p))) (i64.store (local.get $q) (i64.const 0))",
        ["copy, half overwritten by the next"] = "(i64.store offset=4 (local.get $q) (i64.load (local.get $p))) (i64.store offset=12 (local.get $q) (i64.const 1))",
        ["to one place"] = "(i64.store (i32.const 8) (i64.load (local.get $p)))",
        ["what is there"] = "(i32.store (local.get $p) (i32.load (local.get $p)))",
        ["what is there plus nothing"] = "(i32.store (local.get $p) (i32.add (i32.load (local.get $p)) (i32.const 0)))",
        ["narrowed"] = "(i32.store8 (local.get $q) (i32.load (local.get $p)))",
        ["times zero"] = "(i32.store (local.get $q) (i32.mul (i32.load (local.get $p)) (local.get $zero)))",
        ["and zero"] = "(i32.store (local.get $q) (i32.and (i32.load (local.get $p)) (local.get $zero)))",
        ["largest"] = "(local.set $s (select (local.get $s) (local.tee $t (i32.load8_u (local.get $p))) (i32.gt_u (local.get $s) (local.get $t))))",
        ["count"] = "(local.set $s (i32.add (local.get $s) (i32.eq (i32.load8_u (local.get $p)) (i32.const 0))))",
        ["always true"] = "(local.set $s (i32.add (local.get $s) (i32.le_u (i32.load8_u (local.get $p)) (i32.const 255))))",
        ["floats"] = "(f32.store (local.get $q) (f32.add (f32.mul (f32.load (local.get $p)) (f32.const 2)) (f32.load (local.get $q))))",
        ["doubles"] = "(f64.store (local.get $q) (f64.add (f64.load (local.get $p)) (f64.load (local.get $q))))",
        ["scaled address"] = "(local.set $s (i32.add (local.get $s) (i32.load (i32.shl (i32.shr_u (local.get $p) (i32.const 3)) (i32.const 3)))))",
        ["table look-up"] = "(local.set $s (i32.add (local.get $s) (i32.load8_u (i32.add (local.get $p) (i32.load8_u (local.get $q))))))",
    };

    public static TheoryData<string> Names => [.. Loops.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Loop_BeyondTheEnd_Traps(string name)
    {
        Assert.Equal(TrapCode.MemoryOutOfBounds, guests.Conformant.Run(name, 65_536 - 80, 20, out _));
        Assert.Equal(TrapCode.MemoryOutOfBounds, guests.Conformant.Run(name, 65_536, 1, out _));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Loop_UpToTheEnd_GivesWhatCheckedCodeGives(string name)
    {
        Assert.Equal(TrapCode.None, guests.Explicit.Run(name, 65_536 - 800, 100, out var expected));
        Assert.Equal(TrapCode.None, guests.Conformant.Run(name, 65_536 - 800, 100, out var actual));
        Assert.Equal(TrapCode.None, guests.Relaxed.Run(name, 65_536 - 800, 100, out var relaxed));
        Assert.Equal(expected, actual);
        Assert.Equal(expected, relaxed);
    }

    [Fact]
    public void Loop_BehindABranch_LeavesItsHiddenOperandsThere()
    {
        // The loop hides $k from LLVM; the code behind the branch must not see the hidden value, which is not always made.
        const string Text = """
            (module (memory 1) (func (export "f") (param $go i32) (param $k f32) (result f32) (local $p i32)
              (if (local.get $go) (then
                (loop $next
                  (f32.store (local.get $p) (f32.mul (f32.load (local.get $p)) (local.get $k)))
                  (br_if $next (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 4))) (i32.const 400))))))
              (local.get $k)))
            """;
        Assert.Contains("=x,0", Compiling.Ir(Text), StringComparison.Ordinal);
        Assert.NotEmpty(Compiling.Image(Text));
    }

    [Fact]
    public void Copy_OntoItself_BeyondTheEnd_Traps()
    {
        // Inlining shows LLVM that nothing is changed.
        const string Text = """
            (module (memory 1)
              (func $copy (param $to i32) (param $from i32)
                (loop $next
                  (i32.store8 (local.get $to) (i32.load8_u (local.get $from)))
                  (local.set $to (i32.add (local.get $to) (i32.const 1)))
                  (br_if $next (i32.and (local.tee $from (i32.add (local.get $from) (i32.const 1))) (i32.const 15)))))
              (func (export "f") (param i32) (call $copy (i32.const 65536) (i32.const 65536))))
            """;
        using var module = new WasmEngine().Load("copy", Testing.Wat.ToWasm(Text), TestContext.Current.CancellationToken);
        using var instance = Instance.Create(module.Loaded, new ImportSet(), new InstanceOptions());
        Assert.True(instance.TryGetFunction("f", out var function));
        Assert.Equal(TrapCode.MemoryOutOfBounds, instance.Call(function, new ulong[1], CallLimits.None));
    }

    [Fact]
    public void Relaxed_LosesSomeOfTheseTraps()
    {
        // Otherwise the theories above prove nothing about keeping.
        Assert.Equal(TrapCode.None, guests.Relaxed.Run("unused", 65_536, 20, out _));
        Assert.Equal(TrapCode.None, guests.Relaxed.Run("times zero", 65_536, 20, out _));
    }

    [Fact]
    public void Dead_StoresOverwrittenByAnotherLoop_KeepTheirLoads()
    {
        Assert.Equal(TrapCode.MemoryOutOfBounds, guests.Conformant.Run("copy, then cleared", 65_536 - 80, 20, out _));
        Assert.Equal(TrapCode.None, guests.Conformant.Run("copy, then cleared", 1000, 20, out _));
    }

    [Theory]
    [InlineData("(local.set $s (i32.add (local.get $s) (i32.load (local.get $p))))", "paddd")]
    [InlineData("(f32.store offset=8192 (local.get $p) (f32.mul (f32.load (local.get $p)) (f32.load offset=4096 (local.get $p))))", "mulps")]
    public void Loop_OverNeighbours_IsVectorised(string body, string instruction)
    {
        string text = $"""
            (module (memory 1) (func (export "f") (result i32) (local $p i32) (local $s i32)
              (loop $next {body}
                (local.set $p (i32.add (local.get $p) (i32.const 4)))
                (br_if $next (i32.ne (local.get $p) (i32.const 4096))))
              (local.get $s)))
            """;
        Assert.Contains(instruction, Compiling.Disassembly(Compiling.Image(text)), StringComparison.Ordinal);
    }

    private static string Text()
    {
        var functions = Loops.Select(loop => Function(loop.Key, loop.Value, ""));
        const string Clear = "(memory.fill (i32.const 256) (i32.const 0) (i32.const 4000))";
        return $"(module (memory (export \"memory\") 1) (func $nothing) {string.Join('\n', functions)} {Function("copy, then cleared", Loops["copy"], Clear)} "
            + "(data (i32.const 0) \"\\01\\02\\03\\04\\05\\06\\07\\08\\09\"))";
    }

    private static string Function(string name, string body, string after) => $"""
        (func (export "{name}") (param $p i32) (param $n i32) (result i32) (local $q i32) (local $s i32) (local $t i32) (local $zero i32)
          (local.set $q (i32.const 256))
          (loop $next
            {body}
            (local.set $p (i32.add (local.get $p) (i32.const 8)))
            (local.set $q (i32.add (local.get $q) (i32.const 8)))
            (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
          {after}
          (call $nothing)
          (local.get $s))
        """;

    /// <summary>The loops compiled in each mode.</summary>
    public sealed class Guests : IDisposable
    {
        public Guests()
        {
            var options = new CompileOptions();
            Conformant = new Guest(options);
            Explicit = new Guest(options with { Bounds = BoundsMode.Explicit });
            Relaxed = new Guest(options with { Mode = CompileMode.Relaxed });
        }

        internal Guest Conformant { get; }

        internal Guest Explicit { get; }

        internal Guest Relaxed { get; }

        public void Dispose()
        {
            Conformant.Dispose();
            Explicit.Dispose();
            Relaxed.Dispose();
        }
    }

    /// <summary>One compiled module.</summary>
    internal sealed class Guest(CompileOptions options) : IDisposable
    {
        private readonly EngineModule _module = new WasmEngine(new EngineOptions { Compile = options }).Load("loops", Testing.Wat.ToWasm(Text()));

        /// <summary>Runs a loop in a fresh instance.</summary>
        public TrapCode Run(string name, uint start, uint count, out (uint Result, string Memory) outcome)
        {
            using var instance = Instance.Create(_module.Loaded, new ImportSet(), new InstanceOptions());
            instance.Initialize(CallLimits.None);
            Assert.True(instance.TryGetFunction(name, out var function));
            ulong[] buffer = [start, count, 0, 0];
            var trap = instance.Call(function, buffer, CallLimits.None);
            Assert.True(instance.Memory!.TrySlice(0, 65_536, out var memory));
            outcome = ((uint)buffer[0], Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(memory)));
            return trap;
        }

        public void Dispose() => _module.Dispose();
    }

    // Stores are compared with each other, so a loop of a million of them would keep the compiler busy for hours.
    [Theory]
    [InlineData(10, true)]
    [InlineData(1000, false)]
    public void Loop_WithManyStores_IsNotPlanned(int storeCount, bool isPlanned)
    {
        string stores = string.Concat(Enumerable.Range(0, storeCount).Select(index => $"(i32.store offset={4 * index} (local.get 0) (i32.const 0))"));
        string ir = Compiling.Ir($"""
            (module (memory 1) (func (param i32)
              (loop (drop (i32.load (local.get 0))) {stores} (br_if 0 (local.tee 0 (i32.add (local.get 0) (i32.const 16384)))))))
            """);
        Assert.Equal(isPlanned, ir.Contains("%k1.", StringComparison.Ordinal));
    }
}
