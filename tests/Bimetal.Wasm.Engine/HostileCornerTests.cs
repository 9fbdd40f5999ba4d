// Corners that hostile programs look for: the very end of the largest memory, bulk operations with lengths and sums that wrap,
// calls through tables with every kind of wrong element. In code with guard pages and in code with explicit bounds.

using Bimetal.Testing;
using Bimetal.Wasm.Compiler;

namespace Bimetal.Wasm.Engine.Tests;

public sealed class HostileCornerTests : IClassFixture<EngineFixture>
{
    private const string Text = """
        (module
          (memory 1)
          (table $t 8 16 funcref) (table $small 0 funcref)
          (elem (table $t) (i32.const 0) func $none $number $none)
          (elem $passive func $number $none)
          (data $bytes "0123456789")
          (type $none (func)) (type $number (func (result i32))) (type $taker (func (param i32))) (type $wide (func (result i64)))
          (func $none (type $none))
          (func $number (type $number) (i32.const 7))

          (func (export "largest") (result i32 i32 i32 i64 i32)
            (memory.grow (i32.const 65535)) (memory.size) (memory.grow (i32.const 1))
            (i64.store (i32.const 0xfffffff8) (i64.const 0x1122334455667788))
            (v128.store offset=0xfffffff0 (i32.const 0) (v128.load (i32.const 0xfffffff0)))
            (i64.load offset=0x7fffffff (i32.const 0x7ffffff9))
            (i32.load8_u offset=0xffffffff (i32.const 0)))
          (func (export "beyond-largest") (param i32) (drop (memory.grow (i32.const 65535))) (i32.store8 offset=0xffffffff (local.get 0) (i32.const 1)))
          (func (export "across-largest") (drop (memory.grow (i32.const 65535))) (i64.store (i32.const 0xfffffff9) (i64.const -1)))
          (func (export "fill-to-largest") (result i32 i32)
            (drop (memory.grow (i32.const 65535)))
            (memory.fill (i32.const 0xfffffff0) (i32.const 0xab) (i32.const 16))
            (memory.copy (i32.const 0xffffffe0) (i32.const 0xfffffff0) (i32.const 16))
            (i32.load (i32.const 0xffffffe0)) (i32.load (i32.const 0xfffffffc)))
          (func (export "fill-wraps") (drop (memory.grow (i32.const 65535))) (memory.fill (i32.const 0xfffffff0) (i32.const 1) (i32.const 17)))
          (func (export "grow-wraps") (result i32 i32 i32) (memory.grow (i32.const 65536)) (memory.grow (i32.const -1)) (memory.size))

          (func (export "nothing-at-end") (memory.fill (i32.const 65536) (i32.const 1) (i32.const 0)) (memory.copy (i32.const 65536) (i32.const 65536) (i32.const 0))
            (memory.init $bytes (i32.const 65536) (i32.const 10) (i32.const 0)) (table.init $t $passive (i32.const 8) (i32.const 2) (i32.const 0)) (table.copy $small $t (i32.const 0) (i32.const 8) (i32.const 0)))
          (func (export "nothing-beyond-end") (memory.fill (i32.const 65537) (i32.const 1) (i32.const 0)))
          (func (export "nothing-copied-beyond-end") (memory.copy (i32.const 0) (i32.const 65537) (i32.const 0)))
          (func (export "nothing-from-dropped") (data.drop $bytes) (memory.init $bytes (i32.const 0) (i32.const 0) (i32.const 0)))
          (func (export "one-from-dropped") (data.drop $bytes) (memory.init $bytes (i32.const 0) (i32.const 0) (i32.const 1)))
          (func (export "init-wraps") (memory.init $bytes (i32.const 0) (i32.const 5) (i32.const -1)))
          (func (export "overlap") (result i64 i64)
            (i64.store (i32.const 0) (i64.const 0x0807060504030201)) (memory.copy (i32.const 1) (i32.const 0) (i32.const 7)) (i64.load (i32.const 0))
            (memory.copy (i32.const 0) (i32.const 1) (i32.const 7)) (i64.load (i32.const 0)))

          (func (export "none") (param i32) (call_indirect $t (type $none) (local.get 0)))
          (func (export "number") (param i32) (result i32) (call_indirect $t (type $number) (local.get 0)))
          (func (export "taker") (param i32) (call_indirect $t (type $taker) (i32.const 1) (local.get 0)))
          (func (export "wide") (param i32) (result i64) (call_indirect $t (type $wide) (local.get 0)))
          (func (export "last-number") (param i32) (result i32) (return_call_indirect $t (type $number) (local.get 0)))
          (func (export "from-empty") (call_indirect $small (type $none) (i32.const 0)))
          (func (export "grown") (param i32) (result i32) (drop (table.grow $t (ref.func $number) (i32.const 4))) (call_indirect $t (type $number) (local.get 0)))
          (func (export "table-limit") (result i32 i32 i32) (table.grow $t (ref.null func) (i32.const 9)) (table.grow $t (ref.null func) (i32.const -1)) (table.grow $t (ref.null func) (i32.const 8)))
          (func (export "table-fill-wraps") (table.fill $t (i32.const 7) (ref.null func) (i32.const -1)))
          (func (export "table-copy-whole") (result i32) (table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 7)) (call_indirect $t (type $number) (i32.const 2)))
          (func (export "table-init-beyond") (table.init $t $passive (i32.const 7) (i32.const 0) (i32.const 2))))
        """;

    private readonly EngineFixture _engine;
    private readonly string _file;

    public HostileCornerTests(EngineFixture engine)
    {
        _engine = engine;
        _file = engine.Write("corners.wasm", Wat.ToWasm(Text));
    }

    [Theory]
    [InlineData("largest", "i32:1\ni32:65536\ni32:-1\ni64:1234605616436508552\ni32:17\n")]
    [InlineData("fill-to-largest", "i32:-1414812757\ni32:-1414812757\n")]
    [InlineData("grow-wraps", "i32:-1\ni32:-1\ni32:1\n")]
    [InlineData("nothing-at-end", "")]
    [InlineData("nothing-from-dropped", "")]
    [InlineData("overlap", "i64:506097522914230529\ni64:506380101714379265\n")]
    [InlineData("none 0", "")]
    [InlineData("number 1", "i32:7\n")]
    [InlineData("last-number 1", "i32:7\n")]
    [InlineData("grown 11", "i32:7\n")]
    [InlineData("table-limit", "i32:-1\ni32:-1\ni32:8\n")]
    [InlineData("table-copy-whole", "i32:7\n")]
    public void Corner_ThatIsAllowed_Returns(string call, string expected)
    {
        foreach (var bounds in (BoundsMode[])[BoundsMode.Guard, BoundsMode.Explicit])
            Assert.Equal(new Invocation(0, expected, ""), Invoke(call, bounds));
    }

    [Theory]
    [InlineData("beyond-largest 1", "out of bounds memory access")]
    [InlineData("beyond-largest -1", "out of bounds memory access")]
    [InlineData("across-largest", "out of bounds memory access")]
    [InlineData("fill-wraps", "out of bounds memory access")]
    [InlineData("nothing-beyond-end", "out of bounds memory access")]
    [InlineData("nothing-copied-beyond-end", "out of bounds memory access")]
    [InlineData("one-from-dropped", "out of bounds memory access")]
    [InlineData("init-wraps", "out of bounds memory access")]
    [InlineData("none 1", "indirect call type mismatch")]
    [InlineData("number 0", "indirect call type mismatch")]
    [InlineData("number 3", "uninitialized element")]
    [InlineData("number 8", "undefined element")]
    [InlineData("number -1", "undefined element")]
    [InlineData("taker 0", "indirect call type mismatch")]
    [InlineData("wide 1", "indirect call type mismatch")]
    [InlineData("last-number 0", "indirect call type mismatch")]
    [InlineData("last-number 7", "uninitialized element")]
    [InlineData("last-number 8", "undefined element")]
    [InlineData("from-empty", "undefined element")]
    [InlineData("grown 12", "undefined element")]
    [InlineData("table-fill-wraps", "out of bounds table access")]
    [InlineData("table-init-beyond", "out of bounds table access")]
    public void Corner_ThatIsNot_Traps(string call, string message)
    {
        foreach (var bounds in (BoundsMode[])[BoundsMode.Guard, BoundsMode.Explicit])
        {
            var run = Invoke(call, bounds);
            Assert.Equal(1, run.ExitCode);
            Assert.Contains(message, run.Error);
        }
    }

    private Invocation Invoke(string call, BoundsMode bounds) => _engine.Invoke(_file, call, request => request with { Compile = request.Compile with { Bounds = bounds } });
}
