// The instructions whose signature is in the opcode table, by what they return.

using Bimetal.Wasm.Instructions;

namespace Bimetal.Fuzz.Generator;

internal static class OpcodePool
{
    private static readonly OpcodeInfo[] All = [.. Rows()];

    private static readonly Dictionary<ValueType, OpcodeInfo[]> ByResult =
        Plain().Where(info => info.Results.Length == 1).GroupBy(info => info.Results[0]).ToDictionary(group => group.Key, group => group.ToArray());

    /// <summary>Every opcode that there is.</summary>
    internal static IReadOnlyList<OpcodeInfo> Everything => All;

    internal static OpcodeInfo[] Loads(ValueType result) => [.. ByResult[result].Where(info => info.NaturalAlignment >= 0)];

    internal static OpcodeInfo[] Stores { get; } = [.. Plain().Where(info => info.Results.Length == 0 && info.NaturalAlignment >= 0)];

    /// <summary>Instructions that return a value of the type and fit a module.</summary>
    internal static OpcodeInfo[] Returning(ValueType type, bool withMemory, bool withVectors) =>
        [.. ByResult[type].Where(info => (withMemory || info.NaturalAlignment < 0) && (withVectors || !UsesVectors(info)))];

    internal static bool UsesVectors(OpcodeInfo info) => info.Operands.Contains(ValueType.V128) || info.Results.Contains(ValueType.V128);

    // Instructions with an index, and constants, are made by hand.
    private static IEnumerable<OpcodeInfo> Plain() => All.Where(info => !info.IsSpecial && info.Operands.Length > 0
        && info.Immediate is not (ImmediateKind.Index or ImmediateKind.IndexPair));

    private static IEnumerable<OpcodeInfo> Rows()
    {
        foreach (byte prefix in (byte[])[0x00, 0xFC, 0xFD])
        {
            for (uint number = 0; number < 256; number++)
            {
                if (OpcodeTable.Find(prefix, number) is { } info) yield return info;
            }
        }
    }
}
