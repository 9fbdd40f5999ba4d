// What is accepted beyond WebAssembly 2.0, and refused with the words of the specification: tail calls and arithmetic in constant expressions.

using Bimetal.Testing;

namespace Bimetal.Wasm.Tests;

public sealed class ExtensionTests
{
    [Theory]
    [InlineData("(func $f (param i32) (result i64) (return_call $f (local.get 0)))")]
    [InlineData("(func $f (result i32) (return_call $g (i64.const 1))) (func $g (param i64) (result i32) (i32.const 0))")]
    [InlineData("(func $f (return_call $f) (i32.const 1) (drop))")]
    [InlineData("(func $f (result i32) (block (result i32) (return_call $f)))")]
    [InlineData("(func $f (result i32) (return_call $f) (i64.add))", "type mismatch")]
    [InlineData("(table 1 funcref) (func (param i32) (result f32 v128) (return_call_indirect (param i64) (result f32 v128) (i64.const 0) (local.get 0)))")]
    [InlineData("(func $f (result i32) (return_call $g)) (func $g)", "type mismatch: the callee does not return what the function returns")]
    [InlineData("(func $f (return_call $g)) (func $g (result i32) (i32.const 0))", "type mismatch: the callee")]
    [InlineData("(func $f (result i32 i32) (return_call $g)) (func $g (result i32 i64) (i32.const 0) (i64.const 0))", "type mismatch: the callee")]
    [InlineData("(func $f (param i32) (return_call $f))", "type mismatch")]
    [InlineData("(func $f (param i32) (return_call $f (i64.const 0)))", "type mismatch: expected i32, found i64")]
    [InlineData("(func (return_call 7))", "unknown function 7")]
    [InlineData("(func (return_call_indirect (i32.const 0)))", "unknown table 0")]
    [InlineData("(table 1 externref) (func (return_call_indirect (i32.const 0)))", "type mismatch")]
    [InlineData("(table 1 funcref) (func (return_call_indirect (type 9) (i32.const 0)))", "unknown type 9")]
    [InlineData("(table 1 funcref) (func (return_call_indirect (i64.const 0)))", "type mismatch: expected i32, found i64")]
    [InlineData("(table 1 funcref) (func (result i32) (return_call_indirect (i32.const 0)))", "type mismatch: the callee")]
    public void TailCall_IsJudged(string text, string? fault = null) => AssertFault(fault, text);

    [Theory]
    [InlineData("(global i32 (i32.mul (i32.sub (i32.const 20) (i32.add (i32.const 4) (i32.const 2))) (i32.const 3)))")]
    [InlineData("(import \"a\" \"b\" (global $g i64)) (global i64 (i64.add (global.get $g) (i64.mul (i64.const 3) (i64.sub (global.get $g) (i64.const 1)))))")]
    [InlineData("(memory 1) (data (i32.add (i32.const 1) (i32.const 2)) \"x\") (table 1 funcref) (elem (offset (i32.sub (i32.const 2) (i32.const 2))) func)")]
    [InlineData("(global i32 (i32.add (i32.const 1)))", "type mismatch: an operand is missing")]
    [InlineData("(global i32 (i32.add (i32.const 1) (i64.const 1)))", "type mismatch: expected i32, found i64")]
    [InlineData("(global i64 (i32.add (i32.const 1) (i32.const 1)))", "type mismatch")]
    [InlineData("(global i32 (i32.const 1) (i32.const 1))", "type mismatch")]
    [InlineData("(global i32 (i32.div_u (i32.const 1) (i32.const 1)))", "constant expression required: i32.div_u is not allowed")]
    [InlineData("(global f32 (f32.add (f32.const 1) (f32.const 1)))", "constant expression required: f32.add is not allowed")]
    [InlineData("(global i32 (i32.const 1)) (global i32 (i32.add (global.get 0) (i32.const 1)))", "unknown global 0")]
    public void ConstantExpression_IsJudged(string text, string? fault = null) => AssertFault(fault, text);

    // A few bytes each, and the operands must still be within the limit of a function's.
    [Fact]
    public void ConstantExpression_OfTooManyOperands_IsRefusedByName()
    {
        byte[] operands = [.. Enumerable.Repeat((byte[])[0x41, 0], 200_000).SelectMany(bytes => bytes)];
        byte[] bytes = new ModuleBytes().Section(6, [1, 0x7F, 0, .. operands, 0x0B]).ToArray();
        Assert.StartsWith("limit OperandStackValues exceeded: ", Loading.FaultOf(bytes)?.Message);
    }

    private static void AssertFault(string? fault, string text)
    {
        string? found = Loading.FaultOf(Wat.ToWasm($"(module {text})", validate: false))?.Message;
        if (fault is null) Assert.Null(found);
        else Assert.StartsWith(fault, found);
    }
}
