// Which family a vector opcode belongs to. Numbers of one family are scattered over the opcode space, hence a flat list here and the
// work in the files beside. Vectors keep the shape they were made in on the operand stack and are cast only when another is needed.

using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Simd;

/// <summary>Dispatch of opcodes 0xFD00 to 0xFDFF.</summary>
internal static class SimdInstructions
{
    public static void Emit(FunctionBuilder function, ref readonly Instruction instruction)
    {
        bool isEmitted = (int)instruction.Opcode switch
        {
            <= 0xFD0B => SimdMemory.TryEmit(function, in instruction),
            <= 0xFD22 => SimdLanes.TryEmit(function, in instruction),
            <= 0xFD4C => SimdComparisons.TryEmit(function, in instruction),
            <= 0xFD53 => SimdBits.TryEmit(function, in instruction),
            <= 0xFD5D => SimdMemory.TryEmit(function, in instruction),
            _ => SimdIntegers.TryEmit(function, in instruction)
                || SimdFloats.TryEmit(function, in instruction)
                || SimdConversions.TryEmit(function, in instruction)
                || SimdBits.TryEmit(function, in instruction)
                || SimdComparisons.TryEmit(function, in instruction),
        };
        if (!isEmitted) throw new InvalidOperationException($"{instruction.Info.Name} has no emitter");
    }
}
