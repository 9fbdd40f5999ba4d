// Every limit has a row in the table by name, in docs/limits.md, and a test that shows it.

using System.Globalization;
using System.Reflection;
using Bimetal.Testing;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Decoding;
using Bimetal.Wasm.Engine.Limits;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine.Tests;

public sealed class LimitTests(EngineFixture engine) : IClassFixture<EngineFixture>
{
    [Fact]
    public void Table_HasEveryLimitOfTheCode()
    {
        Type[] records = [typeof(DecodeLimits), typeof(ToolchainLimits), typeof(InstanceOptions)];
        var properties = records.SelectMany(record => record.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly));
        // An allowance is an account that instances share, not a number; what is in it is the gateway's plugin_memory.
        var named = properties.Where(property => property.Name is not ("Default" or "EqualityContract" or nameof(InstanceOptions.MemoryAllowance))).Select(property => property.Name);
        Assert.Equal(named.Order(), LimitTable.Rows.Select(row => row.Name).Order());
    }

    [Fact]
    public void Document_SaysWhatTheCodeSays()
    {
        string[][] documented = [.. File.ReadLines(Path.Combine(Repository.Root, "docs/limits.md"))
            .TakeWhile(line => line != "## What one host call may cost").Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(Cells)];
        Assert.Equal(LimitTable.Rows.Select(row => row.Name), documented.Select(cells => cells[0]));
        var tests = Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests"), "*Tests.cs", SearchOption.AllDirectories).Select(File.ReadAllText).ToArray();
        foreach (var (row, cells) in LimitTable.Rows.Zip(documented))
        {
            Assert.Equal((row.Name, row.Get(EngineLimits.Default).ToString("N0", CultureInfo.InvariantCulture), row.Unit), (cells[0], cells[1], cells[2]));
            Assert.True(tests.Any(text => text.Contains($" {cells[4]}(", StringComparison.Ordinal)), $"{row.Name}: there is no test {cells[4]}");
        }
    }

    [Fact]
    public void Apply_ChangesTheLimitThatItNames()
    {
        foreach (var row in LimitTable.Rows.Where(row => row.With is not null))
        {
            var changed = LimitTable.Apply(EngineLimits.Default, row.Name + "=7", out string? error);
            Assert.Null(error);
            Assert.Equal(7, row.Get(changed));
            Assert.Equal(row.Get(EngineLimits.Default), row.Get(row.With!(changed, row.Get(EngineLimits.Default))));
        }
    }

    [Theory]
    [InlineData("Nonsense=1", "there is no limit \"Nonsense\"; there are: ModuleBytes, ")]
    [InlineData("Types", "Types: expected Types=NUMBER (types, 100000 by default)")]
    [InlineData("Types=many", "Types=many: expected Types=NUMBER")]
    [InlineData("Types=0", "Types=0: expected Types=NUMBER")]
    [InlineData("FrameBytes=1", "FrameBytes cannot be changed")]
    public void Apply_OfWrongWords_SaysWhatIsWrong(string setting, string message)
    {
        Assert.Same(EngineLimits.Default, LimitTable.Apply(EngineLimits.Default, setting, out string? error));
        Assert.StartsWith(message, error);
    }

    [Theory]
    [InlineData("Functions=1", "limit Functions exceeded: 2, at most 1")]
    [InlineData("IrCharacters=100", "limit IrCharacters")]
    [InlineData("MaximumMemoryPages=1", "the limit is 1")]
    public void Invoke_WithAChangedLimit_HoldsToIt(string setting, string message)
    {
        string file = engine.Write("limits.wasm", Wat.ToWasm("(module (memory 2) (func (export \"f\")) (func))"));
        Assert.Equal(0, engine.Invoke(file, "f").ExitCode);
        var run = engine.Invoke(file, "f", request => request with { Limits = LimitTable.Apply(request.Limits, setting, out _), Cache = null });
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(message, run.Error);
    }

    private static string[] Cells(string line) => [.. line.Trim('|').Split('|').Select(cell => cell.Trim().Trim('`'))];
}
