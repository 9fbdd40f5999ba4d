using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Simd;

internal static class SimdInstructions
{
    public static void Emit(FunctionBuilder function, ref readonly Instruction instruction) =>
        throw new NotSupportedException($"{instruction.Info.Name} has no emitter");
}
