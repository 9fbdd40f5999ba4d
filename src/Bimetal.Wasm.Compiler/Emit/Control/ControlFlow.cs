// Blocks, loops and ifs as basic blocks (core specification 4.4.8). Results of a block become phis at its end; parameters of a loop
// go through allocas, because the phi at its head would need values that are not written yet. Code that cannot be reached is
// skipped: only its nesting is counted.

using System.Collections.Immutable;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit.Control;

/// <summary>The open blocks of one function.</summary>
internal sealed class ControlFlow(FunctionBuilder function)
{
    private readonly List<ControlFrame> _frames = [];
    private int _skippedDepth;
    private int _slotCount;

    /// <summary>Whether the code at hand can be reached; if not, instructions go to <see cref="Skip"/>.</summary>
    public bool IsReachable { get; private set; } = true;

    /// <summary>Whether the last <c>end</c> closed the function body.</summary>
    public bool IsFinished => _frames.Count == 0;

    /// <summary>Values that branches have brought to the ends of blocks.</summary>
    public long RecordedValues { get; private set; }

    /// <summary>Called once before the first instruction.</summary>
    public void EnterFunction() => _frames.Add(new ControlFrame
    {
        Kind = FrameKind.Function,
        Parameters = [],
        Results = function.Type.Results,
        Height = 0,
        Label = "x",
    });

    /// <summary>The frame that a branch to <paramref name="label"/> means.</summary>
    public ControlFrame FrameAt(uint label) => _frames[^((int)label + 1)];

    /// <summary>Counts the nesting of code that cannot be reached.</summary>
    public void Skip(Opcode opcode)
    {
        switch (opcode)
        {
            case Opcode.Block or Opcode.Loop or Opcode.If:
                _skippedDepth++;
                break;
            case Opcode.Else when _skippedDepth == 0:
                Else();
                break;
            case Opcode.End when _skippedDepth == 0:
                End();
                break;
            case Opcode.End:
                _skippedDepth--;
                break;
        }
    }

    /// <summary>After an instruction that never continues; the operand stack is whatever the enclosing block leaves.</summary>
    public void MarkUnreachable() => IsReachable = false;

    public void Block(BlockType blockType) => Open(FrameKind.Block, blockType, function.NewLabel());

    /// <param name="blockType">Its type.</param>
    /// <param name="offset">Offset of its opcode.</param>
    public void Loop(BlockType blockType, int offset)
    {
        var (parameters, results) = Signature(blockType);
        var frame = new ControlFrame
        {
            Kind = FrameKind.Loop,
            Parameters = parameters,
            Results = results,
            Height = function.StackDepth - parameters.Length,
            Label = function.NewLabel(),
            Slots = DeclareSlots(parameters),
        };
        RecordBranch(frame);
        _frames.Add(frame);
        function.Loads.EnterLoop(offset);
        function.Line($"br label %{frame.Label}");
        function.JoinIn(frame.Label);
        function.Loads.StartLoop();
        function.TruncateStack(frame.Height);
        for (int i = 0; i < parameters.Length; i++)
        {
            var value = function.Define(parameters[i], $"load {LlvmTypes.Of(parameters[i])}, ptr {frame.Slots[i]}");
            function.Push(value);
        }

        function.Poll();
    }

    public void If(BlockType blockType)
    {
        var condition = function.PopBit();
        string thenLabel = function.NewLabel();
        var frame = Open(FrameKind.If, blockType, function.NewLabel());
        function.Line($"br i1 {condition}, label %{thenLabel}, label %{frame.ElseLabel}");
        function.ContinueIn(thenLabel);
    }

    public void Else()
    {
        var frame = _frames[^1];
        if (IsReachable) LeaveTo(frame);
        StartElse(frame);
        foreach (var value in frame.EntryValues) function.Push(value);
    }

    public void End()
    {
        var frame = _frames[^1];
        if (frame.Kind == FrameKind.If) EndWithoutElse(frame);
        if (frame.Kind == FrameKind.Loop && IsReachable) function.Loads.LeaveLoop();
        _frames.RemoveAt(_frames.Count - 1);
        if (frame.IsBranchTarget)
        {
            if (IsReachable) LeaveTo(frame);
            JoinResults(frame);
        }

        if (frame.Kind == FrameKind.Function && IsReachable) Branches.ReturnTop(function);
    }

    /// <summary>
    /// Notes that the block at hand branches to a frame, with the values on top of the stack; the caller writes the branch itself.
    /// </summary>
    public void RecordBranch(ControlFrame frame)
    {
        var types = frame.BranchTypes;
        var values = function.PeekLeaving(types.Length);
        if (frame.Kind != FrameKind.Loop)
        {
            frame.AddIncoming(function.CurrentBlock, values);
            RecordedValues += values.Length + 1;
            return;
        }

        // A slot is read only at the head of its loop, straight after a store: storing before a branch that is not taken is harmless.
        for (int i = 0; i < values.Length; i++) function.Line($"store {LlvmTypes.Of(types[i])} {values[i]}, ptr {frame.Slots[i]}");
    }

    private ControlFrame Open(FrameKind kind, BlockType blockType, string label)
    {
        var (parameters, results) = Signature(blockType);
        var frame = new ControlFrame
        {
            Kind = kind,
            Parameters = parameters,
            Results = results,
            Height = function.StackDepth - parameters.Length,
            Label = label,
            ElseLabel = kind == FrameKind.If ? function.NewLabel() : "",
            EntryValues = kind == FrameKind.If ? function.PeekCanonical(parameters.Length) : [],
        };
        _frames.Add(frame);
        return frame;
    }

    // Without an else the parameters are the results.
    private void EndWithoutElse(ControlFrame frame)
    {
        if (IsReachable) LeaveTo(frame);
        StartElse(frame);
        foreach (var value in frame.EntryValues) function.Push(value);
        LeaveTo(frame);
        IsReachable = false;
    }

    private void StartElse(ControlFrame frame)
    {
        frame.Kind = FrameKind.Else;
        IsReachable = true;
        function.TruncateStack(frame.Height);
        function.JoinIn(frame.ElseLabel);
    }

    private void LeaveTo(ControlFrame frame)
    {
        RecordBranch(frame);
        function.Line($"br label %{frame.Label}");
    }

    private void JoinResults(ControlFrame frame)
    {
        IsReachable = true;
        function.TruncateStack(frame.Height);
        function.JoinIn(frame.Label);
        for (int result = 0; result < frame.Results.Length; result++) function.Push(Phi(frame, result));
    }

    private Value Phi(ControlFrame frame, int result)
    {
        var incoming = frame.Incoming;
        if (incoming.Count == 1) return incoming[0].Values[result];
        string list = string.Join(", ", incoming.Select(branch => $"[ {branch.Values[result]}, %{branch.FromBlock} ]"));
        return function.Define(frame.Results[result], $"phi {LlvmTypes.Of(frame.Results[result])} {list}");
    }

    private string[] DeclareSlots(ImmutableArray<ValueType> types)
    {
        string[] slots = new string[types.Length];
        for (int i = 0; i < slots.Length; i++)
        {
            slots[i] = $"%s{_slotCount++}";
            function.Slots.Append($"  {slots[i]} = alloca {LlvmTypes.Of(types[i])}\n");
        }

        return slots;
    }

    private (ImmutableArray<ValueType> Parameters, ImmutableArray<ValueType> Results) Signature(BlockType blockType)
    {
        if (blockType.TypeIndex < 0) return ([], blockType.Result is { } result ? [result] : []);
        var type = function.Module.Module.Types[blockType.TypeIndex];
        return (type.Parameters, type.Results);
    }
}
