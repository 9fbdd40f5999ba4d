// Operand and control stack of the validation algorithm, reused from function to function. The first fault sticks; afterwards every
// operation is harmless.

using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Bimetal.Wasm.Decoding;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Validation;

internal sealed class OperandStack(DecodeLimits limits)
{
    /// <summary>The type of an operand of unreachable code: it matches every type.</summary>
    internal const ValueType Unknown = 0;

    private ValueType[] _operands = new ValueType[Math.Clamp(limits.OperandStackValues, 1, 64)];
    private ControlFrame[] _frames = new ControlFrame[16];
    private int _height;
    private long _steps;

    internal string? Fault { get; private set; }

    internal int FrameCount { get; private set; }

    private ref ControlFrame Innermost => ref _frames[FrameCount - 1];

    internal void Reset()
    {
        _height = 0;
        FrameCount = 0;
        Fault = null;
    }

    internal void Fail(string fault) => Fault ??= fault;

    /// <summary>The frame that a label means: 0 is the innermost.</summary>
    internal ref ControlFrame Label(uint depth) => ref _frames[FrameCount - 1 - (int)depth];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Push(ValueType type)
    {
        if (_height == _operands.Length) Grow();
        _operands[_height++] = type;
    }

    internal void Push(ImmutableArray<ValueType> types)
    {
        Spend(types.Length);
        foreach (var type in types) Push(type);
    }

    /// <summary>Pops an operand of any type.</summary>
    internal ValueType Pop()
    {
        ref var frame = ref Innermost;
        if (_height > frame.Height) return _operands[--_height];
        if (!frame.IsUnreachable) Fail($"{Invalid.TypeMismatch}: an operand is missing");
        return Unknown;
    }

    /// <summary>Pops an operand of the type, or of unreachable code.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Pop(ValueType expected)
    {
        if (_height > Innermost.Height && _operands[_height - 1] == expected) _height--;
        else PopOther(expected);
    }

    internal void Pop(ImmutableArray<ValueType> types)
    {
        Spend(types.Length);
        for (int i = types.Length - 1; i >= 0; i--) Pop(types[i]);
    }

    /// <summary>Checks that the topmost operands have these types and leaves them as they are.</summary>
    internal void CheckTop(ImmutableArray<ValueType> types)
    {
        Spend(types.Length);
        ref var frame = ref Innermost;
        for (int i = 1; i <= types.Length; i++)
        {
            var expected = types[^i];
            int index = _height - i;
            if (index < frame.Height)
            {
                if (!frame.IsUnreachable) Fail($"{Invalid.TypeMismatch}: expected {expected.Name()}, but an operand is missing");
                return;
            }

            if (_operands[index] != expected && _operands[index] != Unknown) Fail(Invalid.Mismatch(expected, _operands[index]));
        }
    }

    internal void PushFrame(Opcode opcode, ImmutableArray<ValueType> startTypes, ImmutableArray<ValueType> endTypes)
    {
        if (FrameCount > limits.NestingDepth) Fail(DecodeLimits.Describe(nameof(limits.NestingDepth), FrameCount, limits.NestingDepth));
        if (FrameCount == _frames.Length) Array.Resize(ref _frames, 2 * FrameCount);
        _frames[FrameCount++] = new ControlFrame { Opcode = opcode, StartTypes = startTypes, EndTypes = endTypes, Height = _height };
        Push(startTypes);
    }

    /// <summary>Ends the innermost block: its results must be all that is left of it.</summary>
    internal ControlFrame PopFrame()
    {
        var frame = Innermost;
        Pop(frame.EndTypes);
        if (_height != frame.Height) Fail($"{Invalid.TypeMismatch}: {_height - frame.Height} operands are left at the end of the block");
        _height = frame.Height;
        FrameCount--;
        return frame;
    }

    internal void MarkUnreachable()
    {
        ref var frame = ref Innermost;
        _height = frame.Height;
        frame.IsUnreachable = true;
    }

    // Counted over all bodies, since Reset leaves it.
    private void Spend(int steps)
    {
        _steps += steps;
        if (_steps > limits.ValidationSteps) Fail(DecodeLimits.Describe(nameof(limits.ValidationSteps), _steps, limits.ValidationSteps));
    }

    private void PopOther(ValueType expected)
    {
        var found = Pop();
        if (found != expected && found != Unknown) Fail(Invalid.Mismatch(expected, found));
    }

    private void Grow()
    {
        // One call can push a thousand results, so the height is not bounded by the bytes of the body.
        if (_height >= limits.OperandStackValues)
        {
            Fail(DecodeLimits.Describe(nameof(limits.OperandStackValues), _height + 1, limits.OperandStackValues));
            _height = 0;
        }

        Array.Resize(ref _operands, Math.Clamp(2 * _operands.Length, _operands.Length, Math.Max(limits.OperandStackValues, 1)));
    }
}
