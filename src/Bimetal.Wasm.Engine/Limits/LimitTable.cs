// The limits of the engine by name, as `--limit NAME=NUMBER` takes them and docs/limits.md lists them. Written out, because the product
// uses no reflection; a test compares it with the records and with the document.

using System.Globalization;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Decoding;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine.Limits;

/// <summary>One limit.</summary>
/// <param name="Name">As errors name it.</param>
/// <param name="Unit">What is counted.</param>
/// <param name="Get">Its value.</param>
/// <param name="With">The limits with another value; null when it cannot be changed.</param>
public sealed record EngineLimit(string Name, string Unit, Func<EngineLimits, long> Get, Func<EngineLimits, long, EngineLimits>? With);

/// <summary>All limits.</summary>
public static class LimitTable
{
    public static IReadOnlyList<EngineLimit> Rows { get; } =
    [
        OfModule("ModuleBytes", "bytes", limits => limits.ModuleBytes, (limits, value) => limits with { ModuleBytes = value }),
        OfModule("NameBytes", "bytes", limits => limits.NameBytes, (limits, value) => limits with { NameBytes = value }),
        OfModule("Types", "types", limits => limits.Types, (limits, value) => limits with { Types = value }),
        OfModule("FunctionParameters", "parameters", limits => limits.FunctionParameters, (limits, value) => limits with { FunctionParameters = value }),
        OfModule("FunctionResults", "results", limits => limits.FunctionResults, (limits, value) => limits with { FunctionResults = value }),
        OfModule("Imports", "imports", limits => limits.Imports, (limits, value) => limits with { Imports = value }),
        OfModule("Functions", "functions", limits => limits.Functions, (limits, value) => limits with { Functions = value }),
        OfModule("Tables", "tables", limits => limits.Tables, (limits, value) => limits with { Tables = value }),
        OfModule("Globals", "globals", limits => limits.Globals, (limits, value) => limits with { Globals = value }),
        OfModule("Exports", "exports", limits => limits.Exports, (limits, value) => limits with { Exports = value }),
        OfModule("ElementSegments", "segments", limits => limits.ElementSegments, (limits, value) => limits with { ElementSegments = value }),
        OfModule("ElementItems", "elements", limits => limits.ElementItems, (limits, value) => limits with { ElementItems = value }),
        OfModule("DataSegments", "segments", limits => limits.DataSegments, (limits, value) => limits with { DataSegments = value }),
        OfModule("CustomSections", "sections", limits => limits.CustomSections, (limits, value) => limits with { CustomSections = value }),
        OfModule("BodyBytes", "bytes", limits => limits.BodyBytes, (limits, value) => limits with { BodyBytes = value }),
        OfModule("LocalsPerFunction", "locals", limits => limits.LocalsPerFunction, (limits, value) => limits with { LocalsPerFunction = value }),
        OfModule("LocalsPerModule", "locals", limits => limits.LocalsPerModule, (limits, value) => limits with { LocalsPerModule = value }),
        OfModule("NestingDepth", "blocks", limits => limits.NestingDepth, (limits, value) => limits with { NestingDepth = value }),
        OfModule("BranchTableLabels", "labels", limits => limits.BranchTableLabels, (limits, value) => limits with { BranchTableLabels = value }),
        OfModule("OperandStackValues", "values", limits => limits.OperandStackValues, (limits, value) => limits with { OperandStackValues = value }),
        OfModule("ValidationSteps", "steps", limits => limits.ValidationSteps, (limits, value) => limits with { ValidationSteps = value }),
        OfCompilation("IrCharacters", "characters", limits => limits.IrCharacters, (limits, value) => limits with { IrCharacters = value }),
        OfCompilation("FunctionIrCharacters", "characters", limits => limits.FunctionIrCharacters, (limits, value) => limits with { FunctionIrCharacters = value }),
        OfCompilation("OptimizationTime", "seconds", limits => (long)limits.OptimizationTime.TotalSeconds, (limits, value) => limits with { OptimizationTime = TimeSpan.FromSeconds(value) }),
        OfCompilation("CpuTime", "seconds", limits => (long)limits.CpuTime.TotalSeconds, (limits, value) => limits with { CpuTime = TimeSpan.FromSeconds(value) }),
        OfCompilation("WallTime", "seconds", limits => (long)limits.WallTime.TotalSeconds, (limits, value) => limits with { WallTime = TimeSpan.FromSeconds(value) }),
        OfCompilation("AddressSpaceBytes", "bytes", limits => limits.AddressSpaceBytes, (limits, value) => limits with { AddressSpaceBytes = value }),
        OfCompilation("StackBytes", "bytes", limits => limits.StackBytes, (limits, value) => limits with { StackBytes = value }),
        OfCompilation("FileBytes", "bytes", limits => limits.FileBytes, (limits, value) => limits with { FileBytes = value }),
        new("FrameBytes", "bytes", _ => ToolchainLimits.FrameBytes, With: null),
        OfInstance("MaximumMemoryPages", "pages", limits => limits.MaximumMemoryPages, (limits, value) => limits with { MaximumMemoryPages = value }),
        OfInstance("MaximumTableElements", "elements", limits => limits.MaximumTableElements, (limits, value) => limits with { MaximumTableElements = value }),
    ];

    /// <summary>Applies <c>NAME=NUMBER</c>.</summary>
    /// <param name="limits">What it is applied to.</param>
    /// <param name="setting">The words.</param>
    /// <param name="error">Null, or what is wrong with them.</param>
    public static EngineLimits Apply(EngineLimits limits, string setting, out string? error)
    {
        int sign = setting.IndexOf('=', StringComparison.Ordinal);
        string name = sign < 0 ? setting : setting[..sign];
        var row = Rows.FirstOrDefault(row => row.Name == name);
        bool isNumber = long.TryParse(setting.AsSpan(sign + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long value);
        error = row switch
        {
            null => $"there is no limit \"{name}\"; there are: {string.Join(", ", Rows.Where(row => row.With is not null).Select(row => row.Name))}",
            { With: null } => $"{name} cannot be changed: the runtime's own limits rest on it",
            _ when sign < 0 || !isNumber || value is < 1 or > int.MaxValue * 1024L => $"{setting}: expected {name}=NUMBER ({row.Unit}, {row.Get(EngineLimits.Default)} by default)",
            _ => null,
        };
        return error is null ? row!.With!(limits, value) : limits;
    }

    private static EngineLimit OfModule(string name, string unit, Func<DecodeLimits, int> get, Func<DecodeLimits, int, DecodeLimits> with) =>
        new(name, unit, limits => get(limits.Module), (limits, value) => limits with { Module = with(limits.Module, (int)Math.Min(value, int.MaxValue)) });

    private static EngineLimit OfCompilation(string name, string unit, Func<ToolchainLimits, long> get, Func<ToolchainLimits, long, ToolchainLimits> with) =>
        new(name, unit, limits => get(limits.Compilation), (limits, value) => limits with { Compilation = with(limits.Compilation, value) });

    private static EngineLimit OfInstance(string name, string unit, Func<InstanceOptions, uint> get, Func<InstanceOptions, uint, InstanceOptions> with) =>
        new(name, unit, limits => get(limits.Instance), (limits, value) => limits with { Instance = with(limits.Instance, (uint)Math.Min(value, uint.MaxValue)) });
}
