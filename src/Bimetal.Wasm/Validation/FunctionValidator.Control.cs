// Blocks, branches and calls.

using System.Collections.Immutable;
using Bimetal.Wasm.Decoding;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Validation;

internal sealed partial class FunctionValidator
{
    // Counts the br_tables of a function, for ControlFrame.CheckedByTable.
    private int _tableNumber;

    private void CheckBlock(in Instruction instruction)
    {
        if (instruction.Opcode == Opcode.If) _stack.Pop(ValueType.I32);
        ImmutableArray<ValueType> parameters = [];
        ImmutableArray<ValueType> results;
        var blockType = instruction.BlockType;
        if (blockType.TypeIndex < 0)
        {
            results = blockType.Result is { } result ? SingleType.Of(result) : [];
        }
        else
        {
            if (!RequireType((uint)blockType.TypeIndex)) return;
            var type = Module.Types[blockType.TypeIndex];
            parameters = type.Parameters;
            results = type.Results;
        }

        _stack.Pop(parameters);
        _stack.PushFrame(instruction.Opcode, parameters, results);
    }

    private void CheckElse()
    {
        var frame = _stack.PopFrame();
        if (frame.Opcode != Opcode.If) _stack.Fail("misplaced ELSE opcode");
        _stack.PushFrame(Opcode.Else, frame.StartTypes, frame.EndTypes);
    }

    private void CheckEnd()
    {
        var frame = _stack.PopFrame();

        // Without an else the parameters are the results.
        if (frame.Opcode == Opcode.If && !frame.StartTypes.AsSpan().SequenceEqual(frame.EndTypes.AsSpan()))
            _stack.Fail($"{Invalid.TypeMismatch}: an if without else must leave what it takes");
        _stack.Push(frame.EndTypes);
    }

    private void CheckBranch(uint depth)
    {
        if (!RequireLabel(depth)) return;
        _stack.Pop(_stack.Label(depth).LabelTypes);
        _stack.MarkUnreachable();
    }

    private void CheckBranchIf(uint depth)
    {
        _stack.Pop(ValueType.I32);
        if (!RequireLabel(depth)) return;
        var types = _stack.Label(depth).LabelTypes;
        _stack.Pop(types);
        _stack.Push(types);
    }

    private void CheckBranchTable(uint[] labels)
    {
        if (labels.Length - 1 > limits.BranchTableLabels)
            _stack.Fail(DecodeLimits.Describe(nameof(limits.BranchTableLabels), labels.Length - 1, limits.BranchTableLabels));
        _stack.Pop(ValueType.I32);
        if (!RequireLabel(labels[^1])) return;
        var defaultTypes = _stack.Label(labels[^1]).LabelTypes;
        _tableNumber++;
        foreach (uint label in labels)
        {
            if (!RequireLabel(label)) return;
            ref var frame = ref _stack.Label(label);
            if (frame.CheckedByTable == _tableNumber) continue;
            frame.CheckedByTable = _tableNumber;
            if (frame.LabelTypes.Length != defaultTypes.Length)
                _stack.Fail($"{Invalid.TypeMismatch}: label {label} takes {frame.LabelTypes.Length} operands, the default {defaultTypes.Length}");
            _stack.CheckTop(frame.LabelTypes);
        }

        _stack.MarkUnreachable();
    }

    private void CheckCall(uint function)
    {
        if (!RequireFunction(function)) return;
        var type = Module.TypeOf(function);
        _stack.Pop(type.Parameters);
        _stack.Push(type.Results);
    }

    private void CheckCallIndirect(uint typeIndex, uint table)
    {
        if (PopCallee(typeIndex, table) is not { } type) return;
        _stack.Pop(type.Parameters);
        _stack.Push(type.Results);
    }

    private void CheckReturnCall(uint function)
    {
        if (RequireFunction(function)) CheckTailCall(Module.TypeOf(function));
    }

    private void CheckReturnCallIndirect(uint typeIndex, uint table)
    {
        if (PopCallee(typeIndex, table) is { } type) CheckTailCall(type);
    }

    // What the callee returns, this function returns.
    private void CheckTailCall(FunctionType callee)
    {
        _stack.Pop(callee.Parameters);
        var results = _stack.Label((uint)_stack.FrameCount - 1).EndTypes;
        if (!callee.Results.AsSpan().SequenceEqual(results.AsSpan()))
            _stack.Fail($"{Invalid.TypeMismatch}: the callee does not return what the function returns");
        _stack.MarkUnreachable();
    }

    // The type that an indirect call expects of its callee, whose index is taken from the stack.
    private FunctionType? PopCallee(uint typeIndex, uint table)
    {
        if (!RequireTable(table)) return null;
        var elementType = Module.Tables[(int)table].ElementType;
        if (elementType != ValueType.FuncRef) _stack.Fail($"{Invalid.TypeMismatch}: an indirect call through a table of {elementType.Name()}");
        if (!RequireType(typeIndex)) return null;
        _stack.Pop(ValueType.I32);
        return Module.Types[(int)typeIndex];
    }

    private bool RequireLabel(uint depth) => depth < (uint)_stack.FrameCount || FailUnknown("label", depth);

    private bool RequireType(uint index) => scope.HasType(index) || FailUnknown("type", index);

    private bool RequireFunction(uint index) => scope.HasFunction(index) || FailUnknown("function", index);

    private bool FailUnknown(string what, uint index)
    {
        _stack.Fail(Invalid.Unknown(what, index));
        return false;
    }
}
