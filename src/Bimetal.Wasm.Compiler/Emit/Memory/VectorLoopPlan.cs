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
/// <param name="Anchored">Offsets of the loads whose every bit reaches a store of the same iteration or one of the sums.</param>
/// <param name="StoresAnchor">Whether stores keep loads: then memory must count as read behind the loop.</param>
/// <param name="Sums">Locals that sum loaded values up: they must count as used behind the loop.</param>
/// <param name="OtherWidths">Widths of the other loads, which are summed up for the purpose.</param>
internal sealed record VectorLoopPlan(IReadOnlySet<int> Anchored, bool StoresAnchor, IReadOnlyList<uint> Sums, LoadWidths OtherWidths);
