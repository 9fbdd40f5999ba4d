// Memory accesses, bulk memory and the lanes of vectors.

using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Validation;

internal sealed partial class FunctionValidator
{
    private void CheckMemoryAccess(in Instruction instruction)
    {
        if (RequireMemory() && instruction.Alignment > (uint)instruction.Info.NaturalAlignment) _stack.Fail(Invalid.Alignment);
    }

    private void CheckLane(byte lane, int laneCount)
    {
        if (lane >= laneCount) _stack.Fail($"{Invalid.Lane}: {lane} of {laneCount}");
    }

    // A shuffle names 16 of the 32 bytes of its two operands.
    private void CheckShuffle(UInt128 lanes)
    {
        for (int i = 0; i < 16; i++) CheckLane((byte)(lanes >> (8 * i)), laneCount: 32);
    }

    private static int LaneCount(Opcode opcode) => opcode switch
    {
        >= Opcode.I8x16ExtractLaneS and <= Opcode.I8x16ReplaceLane => 16,
        >= Opcode.I16x8ExtractLaneS and <= Opcode.I16x8ReplaceLane => 8,
        Opcode.I32x4ExtractLane or Opcode.I32x4ReplaceLane or Opcode.F32x4ExtractLane or Opcode.F32x4ReplaceLane => 4,
        _ => 2,
    };

    private bool RequireMemory() => scope.HasMemory(0) || FailUnknown("memory", 0);

    // Bodies come before the data section, so that a single pass can only know the number of segments from the data count section.
    private void RequireData(uint index)
    {
        if (index >= (uint)Module.DataSegments.Length) FailUnknown("data segment", index);
        else if (Module.DataCount is null) _stack.Fail(Invalid.DataCountRequired);
    }
}
