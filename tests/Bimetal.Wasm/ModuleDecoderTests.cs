// What the decoder puts into the model.

using Bimetal.Testing;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Tests;

public sealed class ModuleDecoderTests
{
    [Fact]
    public void Decode_IndexSpaces_StartWithImports()
    {
        var module = Loading.Decode(Wat.ToWasm("""
            (module (import "a" "f" (func (param i64))) (import "a" "g" (global i32)) (import "a" "m" (memory 1 3)) (import "a" "t" (table 2 funcref))
              (func (result i32) i32.const 1) (global (mut f64) (f64.const 0)) (table 5 9 externref))
            """));
        Assert.Equal((1, 1, 1, 1), (module.ImportedFunctionCount, module.ImportedGlobalCount, module.ImportedMemoryCount, module.ImportedTableCount));
        Assert.Equal(2, module.FunctionCount);
        Assert.Equal("(i64) -> ()", module.TypeOf(0).ToString());
        Assert.Equal("() -> (i32)", module.TypeOf(1).ToString());
        Assert.Equal([new GlobalType(ValueType.I32, false), new GlobalType(ValueType.F64, true)], module.GlobalTypes);
        Assert.Equal([new MemoryType(new SizeLimits(1, 3))], module.Memories);
        Assert.Equal([new TableType(ValueType.FuncRef, new SizeLimits(2, null)), new TableType(ValueType.ExternRef, new SizeLimits(5, 9))], module.Tables);
    }

    [Fact]
    public void Decode_ReferencedFunctions_AreThoseOfExportsElementsAndGlobals()
    {
        var module = Loading.Decode(Wat.ToWasm("""
            (module (func $start) (func (export "e")) (func $elem) (func $expr) (func $global) (func $declared) (func $called (call $called))
              (start $start) (table 1 funcref) (elem (i32.const 0) $elem) (elem funcref (ref.func $expr)) (global funcref (ref.func $global))
              (elem declare func $declared $elem))
            """));
        Assert.Equal([1u, 2u, 3u, 4u, 5u], module.ReferencedFunctions);
    }

    [Fact]
    public void Decode_Segments_KeepModeAndRange()
    {
        byte[] bytes = Wat.ToWasm("""
            (module (memory 1) (table 2 funcref) (func $f) (data (i32.const 4) "abc") (data "de")
              (elem (i32.const 1) $f) (elem func $f $f) (elem declare funcref (ref.null func)))
            """);
        var module = Loading.Decode(bytes);
        Assert.Equal([SegmentMode.Active, SegmentMode.Passive], module.DataSegments.Select(segment => segment.Mode));
        Assert.Equal("abc"u8.ToArray(), module.Slice(module.DataSegments[0].DataOffset, module.DataSegments[0].DataLength).ToArray());
        Assert.Equal([SegmentMode.Active, SegmentMode.Passive, SegmentMode.Declarative], module.Elements.Select(segment => segment.Mode));
        Assert.Equal(2, module.Elements[1].Items.Length);
        Assert.NotNull(module.Elements[2].Items[0].Expression);
    }

    [Fact]
    public void Decode_FunctionNames_AreRead()
    {
        // Module name, then the function names: 0 "x", 7 (no such function) "no".
        byte[] names = [4, .. "name"u8, 0, 2, 1, (byte)'m', 1, 8, 2, 0, 1, (byte)'x', 7, 2, (byte)'n', (byte)'o'];
        byte[] bytes = [.. ModuleBytes.WithBodies([0, 0x0B]), 0, (byte)names.Length, .. names];
        var module = Loading.Decode(bytes);
        Assert.Equal(new Dictionary<uint, string> { [0] = "x" }, module.FunctionNames);
        Assert.Equal("name", module.CustomSections[0].Name);
    }

    [Fact]
    public void Decode_MalformedNameSection_IsIgnored()
    {
        byte[] names = [4, .. "name"u8, 1, 0x50, 1, 0];
        byte[] bytes = [.. ModuleBytes.WithBodies([0, 0x0B]), 0, (byte)names.Length, .. names];
        Assert.Empty(Loading.Decode(bytes).FunctionNames);
    }

    [Fact]
    public void Decode_Body_IsTheRangeBehindTheLocals()
    {
        byte[] bytes = ModuleBytes.WithBodies([2, 1, 0x7F, 3, 0x7C, 0x01, 0x0B]);
        var function = Loading.Decode(bytes).Functions[0];
        Assert.Equal([new LocalRun(1, ValueType.I32), new LocalRun(3, ValueType.F64)], function.Locals);
        Assert.Equal([0x01, 0x0B], bytes[function.BodyOffset..(function.BodyOffset + function.BodyLength)]);
    }

    [Fact]
    public void Decode_RepeatedSection_IsRefused()
    {
        byte[] bytes = new ModuleBytes().Section(1, 0).Section(1, 0).ToArray();
        var fault = Loading.FaultOf(bytes);
        Assert.StartsWith("unexpected content after last section", fault?.Message);
        Assert.Equal(11, fault?.Offset);
    }

    [Fact]
    public void Describe_NamesFileAndOffset() =>
        Assert.Equal("plugin.wasm: byte 0x1f: unexpected end", new WasmError(0x1F, "unexpected end").Describe("plugin.wasm"));
}
