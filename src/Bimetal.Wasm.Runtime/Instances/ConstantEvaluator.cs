// Values of constant expressions: initialisers of globals, offsets of active segments, elements of element segments (core
// specification 3.3.10). The validator has accepted them, so anything else here is a bug.

using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

internal static unsafe class ConstantEvaluator
{
    /// <summary>The raw bits of the value; references as in <see cref="GuestTable"/>.</summary>
    public static UInt128 Evaluate(Instance instance, ConstantExpression expression)
    {
        var reader = new InstructionReader(instance.LoadedModule.Module.Bytes.Span, expression.Offset, expression.Length);
        var instruction = default(Instruction);
        UInt128 value = 0;
        while (!reader.IsAtEnd)
        {
            if (reader.Read(ref instruction) is { } error) throw new InvalidOperationException($"A constant expression passed the validator: {error.Message}.");
            if (instruction.Opcode != Opcode.End) value = ValueOf(instance, instruction);
        }

        return value;
    }

    /// <summary>A reference to a function of the instance's index space.</summary>
    // SAFETY: the validator has checked the index, and every function that a constant expression names has a record.
    public static ulong ReferenceTo(Instance instance, uint functionIndex) => instance.Context.Function(functionIndex)->Self;

    // SAFETY: cells of globals are 16 bytes in a context, which lives as long as the group.
    private static UInt128 ValueOf(Instance instance, in Instruction instruction) => instruction.Opcode switch
    {
        Opcode.I32Const => (uint)instruction.Constant,
        Opcode.I64Const or Opcode.F32Const or Opcode.F64Const => instruction.Constant,
        Opcode.V128Const => instruction.Vector,
        Opcode.RefNull => 0,
        Opcode.RefFunc => ReferenceTo(instance, instruction.Index),
        Opcode.GlobalGet => instance.GlobalAt(instruction.Index).Value,
        _ => throw new InvalidOperationException($"{instruction.Opcode} in a constant expression passed the validator."),
    };
}
