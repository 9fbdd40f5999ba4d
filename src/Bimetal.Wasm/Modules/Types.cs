// The types of functions, tables, memories and globals (core specification 2.3).

using System.Collections.Immutable;

namespace Bimetal.Wasm.Modules;

/// <summary>A function type; equal when parameters and results are equal, element by element.</summary>
public sealed record FunctionType(ImmutableArray<ValueType> Parameters, ImmutableArray<ValueType> Results)
{
    public static FunctionType Of(ReadOnlySpan<ValueType> parameters, params ReadOnlySpan<ValueType> results) =>
        new([.. parameters], [.. results]);

    /// <summary>64-bit slots of a buffer that holds the arguments and afterwards the results: the larger of the two.</summary>
    public int BufferSlotCount => Math.Max(Slots(Parameters), Slots(Results));

    public bool Equals(FunctionType? other) =>
        other is not null && Parameters.AsSpan().SequenceEqual(other.Parameters.AsSpan()) && Results.AsSpan().SequenceEqual(other.Results.AsSpan());

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var type in Parameters) hash.Add((byte)type);
        hash.Add(0);
        foreach (var type in Results) hash.Add((byte)type);
        return hash.ToHashCode();
    }

    public override string ToString() =>
        $"({string.Join(", ", Parameters.Select(type => type.Name()))}) -> ({string.Join(", ", Results.Select(type => type.Name()))})";

    private static int Slots(ImmutableArray<ValueType> types)
    {
        int slotCount = 0;
        foreach (var type in types) slotCount += type.SlotCount();
        return slotCount;
    }
}

/// <summary>Size bounds of a memory (64 KiB pages) or a table (elements).</summary>
public readonly record struct SizeLimits(uint Minimum, uint? Maximum);

public readonly record struct TableType(ValueType ElementType, SizeLimits Limits);

/// <summary>A linear memory; limits are in pages of 64 KiB.</summary>
public readonly record struct MemoryType(SizeLimits Limits);

public readonly record struct GlobalType(ValueType ValueType, bool IsMutable);

public enum ExternalKind : byte
{
    Function = 0,
    Table = 1,
    Memory = 2,
    Global = 3,
}
