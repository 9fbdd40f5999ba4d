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
        UInt128 top = 0;
        Stack<UInt128>? below = null;    // most expressions are one instruction
        bool isFirst = true;
        while (!reader.IsAtEnd)
        {
            if (reader.Read(ref instruction) is { } error) throw new InvalidOperationException($"A constant expression passed the validator: {error.Message}.");
            if (instruction.Opcode == Opcode.End) break;
            if (!instruction.Info.Operands.IsEmpty)
            {
                top = Combine(instruction.Opcode, (ulong)below!.Pop(), (ulong)top);
                continue;
            }

            if (!isFirst) (below ??= []).Push(top);
            isFirst = false;
            top = ValueOf(instance, instruction);
        }

        return top;
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

    private static ulong Combine(Opcode opcode, ulong left, ulong right) => opcode switch
    {
        Opcode.I32Add => (uint)left + (uint)right,
        Opcode.I32Sub => (uint)left - (uint)right,
        Opcode.I32Mul => (uint)left * (uint)right,
        Opcode.I64Add => left + right,
        Opcode.I64Sub => left - right,
        Opcode.I64Mul => left * right,
        _ => throw new InvalidOperationException($"{opcode} in a constant expression passed the validator."),
    };
}
