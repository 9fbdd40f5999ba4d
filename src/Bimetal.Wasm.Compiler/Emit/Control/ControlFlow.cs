// Blocks, loops and ifs as basic blocks (core specification 4.4.8). Results of a block, parameters of a loop and assigned locals become
// phis where paths join (Joins.cs). Code that cannot be reached is skipped: only its nesting is counted.

using System.Collections.Immutable;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit.Control;

/// <summary>The open blocks of one function.</summary>
internal sealed class ControlFlow(FunctionBuilder function)
{
    private readonly List<ControlFrame> _frames = [];
    private int _skippedDepth;

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

    /// <param name="blockType">Its type.</param>
    /// <param name="offset">Offset of its opcode.</param>
    public void Block(BlockType blockType, int offset) => Open(FrameKind.Block, blockType, offset, function.NewLabel());

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
            Assigned = function.Locals.AssignedIn(offset),
            KnownAddresses = function.Addresses.Known,
        };
        function.Marks.EnterLoop(offset);
        function.Loads.EnterLoop(offset);
        RecordBranch(frame);
        _frames.Add(frame);
        function.Line($"br label %{frame.Label}");
        StartJoin(frame, function.Joins.Define);
        function.Marks.StartIteration();
        function.Poll();
    }

    /// <param name="blockType">Its type.</param>
    /// <param name="offset">Offset of its opcode.</param>
    public void If(BlockType blockType, int offset)
    {
        var condition = function.PopBit();
        string thenLabel = function.NewLabel();
        var frame = Open(FrameKind.If, blockType, offset, function.NewLabel());
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
        if (frame.Kind == FrameKind.Loop)
        {
            function.Loads.LeaveLoop();
            function.Marks.LeaveLoop();
        }

        _frames.RemoveAt(_frames.Count - 1);
        if (frame.Kind != FrameKind.Loop && frame.IsBranchTarget)
        {
            if (IsReachable) LeaveTo(frame);
            IsReachable = true;
            StartJoin(frame, function.Joins.Join);
        }

        if (frame.Kind == FrameKind.Function && IsReachable) Branches.ReturnTop(function);
    }

    /// <summary>
    /// Notes that the block at hand branches to a frame, with the values on top of the stack; the caller writes the branch itself.
    /// </summary>
    public void RecordBranch(ControlFrame frame)
    {
        int stackCount = frame.BranchTypes.Length;
        var values = new Value[stackCount + frame.Assigned.Length];
        function.PeekLeaving(stackCount).CopyTo(values, 0);
        function.Locals.CopyTo(frame.Assigned, values, stackCount);
        frame.AddIncoming(function.CurrentBlock, values);
        RecordedValues += values.Length + 1;
    }

    private ControlFrame Open(FrameKind kind, BlockType blockType, int offset, string label)
    {
        var (parameters, results) = Signature(blockType);
        uint[] assigned = function.Locals.AssignedIn(offset);
        var entryLocals = new Value[kind == FrameKind.If ? assigned.Length : 0];
        if (kind == FrameKind.If) function.Locals.CopyTo(assigned, entryLocals, 0);
        RecordedValues += entryLocals.Length;
        var frame = new ControlFrame
        {
            Kind = kind,
            Parameters = parameters,
            Results = results,
            Height = function.StackDepth - parameters.Length,
            Label = label,
            ElseLabel = kind == FrameKind.If ? function.NewLabel() : "",
            EntryValues = kind == FrameKind.If ? function.PeekCanonical(parameters.Length) : [],
            Assigned = assigned,
            EntryLocals = entryLocals,
            KnownAddresses = function.Addresses.Known,
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
        function.Locals.Restore(frame.Assigned, frame.EntryLocals);
        function.JoinIn(frame.ElseLabel, frame.KnownAddresses);
    }

    private void LeaveTo(ControlFrame frame)
    {
        RecordBranch(frame);
        function.Line($"br label %{frame.Label}");
    }

    // The block that paths lead to: its values are those that all of them bring, or phis.
    private void StartJoin(ControlFrame frame, Func<ValueType, IReadOnlyList<Incoming>, int, Value> join)
    {
        function.TruncateStack(frame.Height);
        function.JoinIn(frame.Label, frame.KnownAddresses);
        int column = 0;
        foreach (var type in frame.BranchTypes)
        {
            var value = join(type, frame.Incoming, column++);
            function.Joins.Use(value);
            function.Push(value);
        }

        foreach (uint local in frame.Assigned) function.Locals.Set(local, join(function.Locals.TypeOf(local), frame.Incoming, column++));
    }

    private (ImmutableArray<ValueType> Parameters, ImmutableArray<ValueType> Results) Signature(BlockType blockType)
    {
        if (blockType.TypeIndex < 0) return ([], blockType.Result is { } result ? [result] : []);
        var type = function.Module.Module.Types[blockType.TypeIndex];
        return (type.Parameters, type.Results);
    }
}
