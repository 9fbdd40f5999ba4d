// Checks the instructions of one function body after the other. Most instructions are described by their row of the opcode table; the
// rest is in the other parts of this class: Control, Variables, Memory, Tables.

using System.Collections.Immutable;
using Bimetal.Wasm.Decoding;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Validation;

internal sealed partial class FunctionValidator(ModuleScope scope, DecodeLimits limits)
{
    private readonly OperandStack _stack = new(limits);
    private readonly LocalTypes _locals = new();
    private WasmModule Module => scope.Module;

    internal WasmError? Validate(Function function)
    {
        var type = Module.Types[(int)function.TypeIndex];
        _locals.Reset(type.Parameters, function.Locals);
        _stack.Reset();
        _stack.PushFrame(Opcode.Block, [], type.Results);
        _tableNumber = 0;

        var reader = new InstructionReader(Module.Bytes.Span, function.BodyOffset, function.BodyLength);
        var instruction = default(Instruction);
        while (_stack.FrameCount > 0)
        {
            if (reader.IsAtEnd) return new WasmError(reader.Offset, Malformed.EndExpected);
            if (reader.Read(ref instruction) is { } error) return error;
            Check(in instruction);
            if (_stack.Fault is { } fault) return new WasmError(instruction.Offset, $"{fault} (in {instruction.Info.Name})");
        }

        return reader.IsAtEnd ? null : new WasmError(reader.Offset, $"{Malformed.SectionSize}: bytes behind the end of a function");
    }

    private void Check(in Instruction instruction)
    {
        var info = instruction.Info;
        if (info.IsSpecial)
        {
            CheckSpecial(in instruction);
            return;
        }

        if (info.Immediate != ImmediateKind.None) CheckImmediate(in instruction);
        _stack.Pop(info.Operands);
        _stack.Push(info.Results);
    }

    private void CheckImmediate(in Instruction instruction)
    {
        switch (instruction.Info.Immediate)
        {
            case ImmediateKind.MemoryArgument: CheckMemoryAccess(in instruction); break;
            case ImmediateKind.MemoryLane:
                CheckMemoryAccess(in instruction);
                CheckLane(instruction.Lane, 16 >> instruction.Info.NaturalAlignment);
                break;
            case ImmediateKind.Lane: CheckLane(instruction.Lane, LaneCount(instruction.Opcode)); break;
            case ImmediateKind.V128 when instruction.Opcode == Opcode.I8x16Shuffle: CheckShuffle(instruction.Vector); break;
            case ImmediateKind.Index or ImmediateKind.IndexPair: CheckIndices(in instruction); break;
        }
    }

    // The indices of instructions whose operands do not depend on them.
    private void CheckIndices(in Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.MemorySize or Opcode.MemoryGrow or Opcode.MemoryFill or Opcode.MemoryCopy: RequireMemory(); break;
            case Opcode.MemoryInit:
                RequireMemory();
                RequireData(instruction.Index);
                break;
            case Opcode.DataDrop: RequireData(instruction.Index); break;
            case Opcode.TableSize: RequireTable(instruction.Index); break;
            case Opcode.TableCopy: CheckTableCopy(instruction.Index, instruction.SecondIndex); break;
            case Opcode.TableInit: CheckTableInit(instruction.Index, instruction.SecondIndex); break;
            case Opcode.ElemDrop: RequireElements(instruction.Index); break;
        }
    }

    private void CheckSpecial(in Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.Unreachable: _stack.MarkUnreachable(); break;
            case Opcode.Nop: break;
            case Opcode.Block or Opcode.Loop or Opcode.If: CheckBlock(in instruction); break;
            case Opcode.Else: CheckElse(); break;
            case Opcode.End: CheckEnd(); break;
            case Opcode.Br: CheckBranch(instruction.Index); break;
            case Opcode.BrIf: CheckBranchIf(instruction.Index); break;
            case Opcode.BrTable: CheckBranchTable(instruction.Labels); break;
            case Opcode.Return: CheckBranch((uint)_stack.FrameCount - 1); break;
            case Opcode.Call: CheckCall(instruction.Index); break;
            case Opcode.CallIndirect: CheckCallIndirect(instruction.Index, instruction.SecondIndex); break;
            case Opcode.ReturnCall: CheckReturnCall(instruction.Index); break;
            case Opcode.ReturnCallIndirect: CheckReturnCallIndirect(instruction.Index, instruction.SecondIndex); break;
            case Opcode.Drop: _stack.Pop(); break;
            case Opcode.Select: CheckSelect(); break;
            case Opcode.SelectTyped: CheckSelectTyped(instruction.Types); break;
            case Opcode.LocalGet: CheckLocalGet(instruction.Index); break;
            case Opcode.LocalSet: CheckLocalSet(instruction.Index); break;
            case Opcode.LocalTee: CheckLocalTee(instruction.Index); break;
            case Opcode.GlobalGet: CheckGlobalGet(instruction.Index); break;
            case Opcode.GlobalSet: CheckGlobalSet(instruction.Index); break;
            case Opcode.TableGet: CheckTableGet(instruction.Index); break;
            case Opcode.TableSet: CheckTableSet(instruction.Index); break;
            case Opcode.TableGrow: CheckTableGrow(instruction.Index); break;
            case Opcode.TableFill: CheckTableFill(instruction.Index); break;
            case Opcode.RefNull: _stack.Push(instruction.ReferenceType); break;
            case Opcode.RefIsNull: CheckRefIsNull(); break;
            case Opcode.RefFunc: CheckRefFunc(instruction.Index); break;
            default: throw new InvalidOperationException($"{instruction.Info.Name} is special in the opcode table, but has no check");
        }
    }
}
