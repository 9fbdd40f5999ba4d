// How the loads of one vector loop are kept.

namespace Bimetal.Wasm.Compiler.Emit.Memory;

/// <summary>Widths of loads, as flags of LLVM's integer types.</summary>
[Flags]
internal enum LoadWidths : byte
{
    None = 0,
    I8 = 1,
    I16 = 2,
    I32 = 4,
    I64 = 8,
}

/// <summary>What keeps the loads of a loop.</summary>
internal sealed record VectorLoopPlan
{
    /// <summary>Offsets of the loads whose every bit reaches a store of the same iteration or one of the sums.</summary>
    public required IReadOnlySet<int> Anchored { get; init; }

    /// <summary>Whether stores keep loads: then memory must count as read behind the loop.</summary>
    public required bool StoresAnchor { get; init; }

    /// <summary>Offsets of stores that may store a loaded value as it is: LLVM must not find out that it goes where it came from.</summary>
    public required IReadOnlySet<int> Copies { get; init; }

    /// <summary>Locals fixed in the loop whose value LLVM must not know, because it could make an operation on a loaded value vanish.</summary>
    public required IReadOnlyCollection<uint> Hidden { get; init; }

    /// <summary>Locals that sum loaded values up: they must count as used behind the loop.</summary>
    public required IReadOnlyList<uint> Sums { get; init; }

    /// <summary>Widths of the other loads, which are summed up for the purpose.</summary>
    public required LoadWidths OtherWidths { get; init; }
}
