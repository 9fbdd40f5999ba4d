// Control, parametric and variable instructions: which method emits which.

using Bimetal.Wasm.Compiler.Emit.Call;
using Bimetal.Wasm.Compiler.Emit.Numeric;
using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Control;

/// <summary>Dispatch of opcodes 0x00 to 0x24.</summary>
internal static class ControlInstructions
{
    public static void Emit(FunctionBuilder function, ref readonly Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.Unreachable: Branches.Unreachable(function); break;
            case Opcode.Nop: break;
            case Opcode.Block: function.Control.Block(instruction.BlockType, instruction.Offset); break;
            case Opcode.Loop: function.Control.Loop(instruction.BlockType, instruction.Offset); break;
            case Opcode.If: function.Control.If(instruction.BlockType, instruction.Offset); break;
            case Opcode.Else: function.Control.Else(); break;
            case Opcode.End: function.Control.End(); break;
            case Opcode.Br: Branches.Branch(function, instruction.Index); break;
            case Opcode.BrIf: Branches.BranchIf(function, instruction.Index); break;
            case Opcode.BrTable: Branches.BranchTable(function, instruction.Labels); break;
            case Opcode.Return: Branches.Return(function); break;
            case Opcode.Call: Calls.Direct(function, instruction.Index); break;
            case Opcode.CallIndirect: IndirectCalls.Emit(function, instruction.Index, instruction.SecondIndex); break;
            case Opcode.ReturnCall: TailCalls.Direct(function, instruction.Index); break;
            case Opcode.ReturnCallIndirect: TailCalls.Indirect(function, instruction.Index, instruction.SecondIndex); break;
            case Opcode.Drop: function.PopAnyShape(); break;
            case Opcode.Select or Opcode.SelectTyped: Select(function); break;
            case Opcode.LocalGet: function.Push(function.Locals.Get(instruction.Index)); break;
            case Opcode.LocalSet: function.Locals.Set(instruction.Index, FloatConstants.Leaving(function, function.Pop())); break;
            case Opcode.LocalTee: Tee(function, instruction.Index); break;
            case Opcode.GlobalGet: Globals.Get(function, instruction.Index); break;
            case Opcode.GlobalSet: Globals.Set(function, instruction.Index); break;
            default: throw new InvalidOperationException($"{instruction.Info.Name} has no emitter");
        }
    }

    private static void Select(FunctionBuilder function)
    {
        var condition = function.PopBit();
        var whenZero = FloatConstants.Leaving(function, function.Pop());
        var whenSet = FloatConstants.Leaving(function, function.Pop());
        string type = LlvmTypes.Of(whenSet);
        function.Push(function.Define(whenSet.Type, $"select i1 {condition}, {type} {whenSet}, {type} {whenZero}"));
    }

    private static void Tee(FunctionBuilder function, uint index)
    {
        var value = FloatConstants.Leaving(function, function.Pop());
        function.Locals.Set(index, value);
        function.Push(value);
    }
}
