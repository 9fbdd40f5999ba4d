// Each named limit refuses one more than it allows, accepts what it allows, and says its name.

using Bimetal.Testing;
using Bimetal.Wasm.Decoding;

namespace Bimetal.Wasm.Tests;

public sealed class DecodeLimitsTests
{
    /// <summary>Name of the limit, a module's text, how much of the limited thing it has, and limits for that number.</summary>
    public static TheoryData<string, string, int> Cases => new()
    {
        { nameof(DecodeLimits.NameBytes), "(module (func (export \"abcde\")))", 5 },
        { nameof(DecodeLimits.Types), "(module (type (func)) (type (func (param i32))) (type (func (param i64))))", 3 },
        { nameof(DecodeLimits.FunctionParameters), "(module (type (func (param i32 i32 i32))))", 3 },
        { nameof(DecodeLimits.FunctionResults), "(module (type (func (result i32 i32))))", 2 },
        { nameof(DecodeLimits.Imports), "(module (import \"a\" \"b\" (func)) (import \"a\" \"c\" (func)))", 2 },
        { nameof(DecodeLimits.Functions), "(module (func) (func) (func))", 3 },
        { nameof(DecodeLimits.Tables), "(module (import \"a\" \"b\" (table 1 funcref)) (table 1 funcref) (table 1 funcref))", 3 },
        { nameof(DecodeLimits.Globals), "(module (global i32 (i32.const 0)) (global i32 (i32.const 0)))", 2 },
        { nameof(DecodeLimits.Exports), "(module (func) (export \"a\" (func 0)) (export \"b\" (func 0)))", 2 },
        { nameof(DecodeLimits.ElementSegments), "(module (func) (elem funcref) (elem funcref))", 2 },
        { nameof(DecodeLimits.ElementItems), "(module (func) (elem func 0 0) (elem funcref (ref.null func)))", 3 },
        { nameof(DecodeLimits.DataSegments), "(module (data \"a\") (data \"b\"))", 2 },
        { nameof(DecodeLimits.BodyBytes), "(module (func nop nop))", 4 },
        { nameof(DecodeLimits.LocalsPerFunction), "(module (func (local i32 i32 i64)))", 3 },
        { nameof(DecodeLimits.LocalsPerModule), "(module (func (local i32 i32)) (func (local i64)))", 3 },
        { nameof(DecodeLimits.NestingDepth), "(module (func (block (loop (block)))))", 3 },
        { nameof(DecodeLimits.BranchTableLabels), "(module (func (br_table 0 0 0 (i32.const 0))))", 2 },
        { nameof(DecodeLimits.ValidationSteps), "(module (func (param i32 i32) (result i32 i32) (local.get 0) (local.get 1) (br_if 0 (i32.const 0))) (func (call 0 (i32.const 0) (i32.const 0)) (drop) (drop)))", 15 },
        { nameof(DecodeLimits.OperandStackValues), "(module (func i32.const 0 i32.const 0 i32.const 0 drop drop drop))", 3 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Limit_AtTheNumber_Accepts(string name, string text, int count) => Assert.Null(Loading.FaultOf(Wat.ToWasm(text), With(name, count)));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Limit_BelowTheNumber_RefusesByName(string name, string text, int count)
    {
        var fault = Loading.FaultOf(Wat.ToWasm(text), With(name, count - 1));
        Assert.StartsWith($"limit {name} exceeded: {count}, at most {count - 1}", fault?.Message);
    }

    [Fact]
    public void ModuleBytesLimit_OneByteMore_IsRefused()
    {
        byte[] bytes = new ModuleBytes().ToArray();
        Assert.Null(Loading.FaultOf(bytes, new DecodeLimits { ModuleBytes = 8 }));
        Assert.Equal("limit ModuleBytes exceeded: 8, at most 7", Loading.FaultOf(bytes, new DecodeLimits { ModuleBytes = 7 })?.Message);
    }

    [Fact]
    public void CustomSectionsLimit_OneMore_IsRefused()
    {
        byte[] bytes = new ModuleBytes().Section(0, [1, (byte)'a']).Section(0, [1, (byte)'b']).ToArray();
        Assert.Null(Loading.FaultOf(bytes, new DecodeLimits { CustomSections = 2 }));
        Assert.Equal("limit CustomSections exceeded: 2, at most 1", Loading.FaultOf(bytes, new DecodeLimits { CustomSections = 1 })?.Message);
    }

    [Fact]
    public void EveryLimit_HasACase()
    {
        var tested = Cases.Select(row => row.Data.Item1).Append(nameof(DecodeLimits.ModuleBytes)).Append(nameof(DecodeLimits.CustomSections));
        var named = typeof(DecodeLimits).GetProperties().Where(property => property.PropertyType == typeof(int)).Select(property => property.Name);
        Assert.Equal(named.Order(), tested.Order());
    }

    private static DecodeLimits With(string name, int value)
    {
        var limits = new DecodeLimits();
        typeof(DecodeLimits).GetProperty(name)!.SetValue(limits, value);
        return limits;
    }
}
