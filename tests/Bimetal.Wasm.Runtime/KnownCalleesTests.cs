// Indirect calls by way of tables whose functions are known when the module is compiled: the same results and traps as by way of any other.

using Bimetal.Wasm.Abi;

namespace Bimetal.Wasm.Runtime.Tests;

public sealed class KnownCalleesTests
{
    // Of each table the first element is null. $changing is written to, $shared is exported: nothing is known of those two.
    private const string Text = """
        (module
          (type $unary (func (param i32) (result i32)))
          (type $binary (func (param i32 i32) (result i32)))
          (type $pair (func (param i32) (result i32 i64)))
          (table $one 3 3 funcref) (elem (table $one) (i32.const 1) func $a)
          (table $few 5 funcref) (elem (table $few) (i32.const 1) func $a $b $c)
          (table $many 9 9 funcref) (elem (table $many) (i32.const 1) func $a $b $c $d $e $f $g)
          (table $gap 6 6 funcref) (elem (table $gap) (i32.const 1) func $a $b) (elem (table $gap) (i32.const 4) funcref (ref.func $d) (ref.null func))
          (table $mixed 5 5 funcref) (elem (table $mixed) (i32.const 1) func $a $sum $b)
          (table $pairs 4 4 funcref) (elem (table $pairs) (i32.const 1) func $p $q)
          (table $changing 5 5 funcref) (elem (table $changing) (i32.const 1) func $a $b $c)
          (table $shared (export "shared") 5 5 funcref) (elem (table $shared) (i32.const 1) func $a $b $c)
          (func $a (type $unary) (i32.add (local.get 0) (i32.const 1)))
          (func $b (type $unary) (i32.add (local.get 0) (i32.const 2)))
          (func $c (type $unary) (i32.add (local.get 0) (i32.const 3)))
          (func $d (type $unary) (i32.add (local.get 0) (i32.const 4)))
          (func $e (type $unary) (i32.add (local.get 0) (i32.const 5)))
          (func $f (type $unary) (i32.add (local.get 0) (i32.const 6)))
          (func $g (type $unary) (i32.add (local.get 0) (i32.const 7)))
          (func $p (type $pair) (local.get 0) (i64.const 1))
          (func $q (type $pair) (local.get 0) (i64.const 2))
          (func $sum (type $binary) (i32.add (local.get 0) (local.get 1)))
          (func (export "one") (param i32) (result i32) (call_indirect $one (type $unary) (i32.const 100) (local.get 0)))
          (func (export "few") (param i32) (result i32) (call_indirect $few (type $unary) (i32.const 100) (local.get 0)))
          (func (export "many") (param i32) (result i32) (call_indirect $many (type $unary) (i32.const 100) (local.get 0)))
          (func (export "third of many") (result i32) (call_indirect $many (type $unary) (i32.const 100) (i32.const 3)))
          (func (export "gap") (param i32) (result i32) (call_indirect $gap (type $unary) (i32.const 100) (local.get 0)))
          (func (export "mixed") (param i32) (result i32) (call_indirect $mixed (type $unary) (i32.const 100) (local.get 0)))
          (func (export "none") (param i32) (result i32) (call_indirect $few (type $binary) (i32.const 100) (i32.const 1) (local.get 0)))
          (func (export "pairs") (param i32) (result i32)
            (call_indirect $pairs (type $pair) (i32.const 100) (local.get 0)) (i32.wrap_i64) (i32.add))
          (func (export "changing") (param i32) (result i32) (call_indirect $changing (type $unary) (i32.const 100) (local.get 0)))
          (func (export "change") (table.set $changing (i32.const 1) (ref.func $g)))
          (func (export "shared call") (param i32) (result i32) (call_indirect $shared (type $unary) (i32.const 100) (local.get 0))))
        """;

    [Theory]
    [InlineData("one", 3, 1)]
    [InlineData("few", 5, 1, 2, 3)]
    [InlineData("many", 9, 1, 2, 3, 4, 5, 6, 7)]
    [InlineData("changing", 5, 1, 2, 3)]
    [InlineData("shared call", 5, 1, 2, 3)]
    [InlineData("pairs", 4, 1, 2)]
    public void Elements_AreCalled_NullAndOutsideTrap(string export, uint length, params int[] added)
    {
        using var guest = new Guest(Text);
        for (int i = 0; i < added.Length; i++) Assert.Equal(100u + (uint)added[i], guest.Call(export, (ulong)i + 1));
        Assert.Equal(TrapCode.UninitializedElement, guest.Run(export, 0));
        for (uint index = (uint)added.Length + 1; index < length; index++) Assert.Equal(TrapCode.UninitializedElement, guest.Run(export, index));
        foreach (uint index in new[] { length, length + 1, 0x7FFF_FFFFu, 0x8000_0000u, 0xFFFF_FFFFu }) Assert.Equal(TrapCode.UndefinedElement, guest.Run(export, index));
    }

    [Fact]
    public void Element_AtAConstantIndex_IsCalled()
    {
        using var guest = new Guest(Text);
        Assert.Equal(103u, guest.Call("third of many"));
    }

    [Fact]
    public void ElementsOfOtherTypes_AndGaps_Trap()
    {
        using var guest = new Guest(Text);
        Assert.Equal(101u, guest.Call("mixed", 1));
        Assert.Equal(TrapCode.IndirectCallTypeMismatch, guest.Run("mixed", 2));
        Assert.Equal(102u, guest.Call("mixed", 3));
        Assert.Equal(TrapCode.IndirectCallTypeMismatch, guest.Run("none", 1));
        Assert.Equal(TrapCode.UninitializedElement, guest.Run("none", 0));
        Assert.Equal(TrapCode.UninitializedElement, guest.Run("gap", 3));
        Assert.Equal(104u, guest.Call("gap", 4));
        Assert.Equal(TrapCode.UninitializedElement, guest.Run("gap", 5));
    }

    [Fact]
    public void TableThatIsWrittenTo_IsReadAnew()
    {
        using var guest = new Guest(Text);
        Assert.Equal(101u, guest.Call("changing", 1));
        Assert.Equal(TrapCode.None, guest.Run("change"));
        Assert.Equal(107u, guest.Call("changing", 1));
    }

    // The callee has globals of its own: it must get its own context, from the table's owner as well as from an importer.
    [Fact]
    public void FunctionOfAnotherInstance_GetsItsOwnContext()
    {
        using var owner = new Guest("""
            (module
              (type $get (func (result i32)))
              (table (export "table") 2 2 funcref) (elem (i32.const 0) $mine)
              (global i32 (i32.const 7)) (global $value (mut i32) (i32.const 7))
              (func $mine (result i32) (global.get $value))
              (func (export "get") (param i32) (result i32) (call_indirect (type $get) (local.get 0))))
            """);
        Assert.True(owner.Instance.TryGetTable("table", out var table));
        using var importer = new Guest(
            """
            (module
              (type $get (func (result i32)))
              (import "owner" "table" (table 2 2 funcref)) (elem (i32.const 1) $mine)
              (global i32 (i32.const 9)) (global $value (mut i32) (i32.const 9))
              (func $mine (result i32) (global.get $value))
              (func (export "get") (param i32) (result i32) (call_indirect (type $get) (local.get 0))))
            """,
            new ImportSet().Define("owner", "table", table));
        Assert.Equal(7u, owner.Call("get", 0));
        Assert.Equal(9u, owner.Call("get", 1));
        Assert.Equal(7u, importer.Call("get", 0));
        Assert.Equal(9u, importer.Call("get", 1));
    }
}
