// Finds loops that LLVM can probably vectorise. Loads in those must be kept (KeptLoads.cs) by other means than a piece of assembly for
// each, which rules vectorising out. Guessing wrong about vectorising costs speed, never correctness.
//
// Such a loop is a single basic block: no branch but its own last one, no call, no trap, no vector instruction. What its values are
// made of is looked at in VectorLoopBody.cs.

using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit.Memory;

/// <summary>Collects candidates while the instructions of a function go by, then looks into them.</summary>
internal sealed class VectorLoops
{
    private readonly Stack<Candidate?> _open = [];
    private readonly List<Candidate> _candidates = [];
    private long? _constantBefore;

    /// <summary>One instruction, in order.</summary>
    /// <param name="instruction">The instruction.</param>
    /// <param name="nextOffset">Offset of the one after it.</param>
    public void Note(ref readonly Instruction instruction, int nextOffset)
    {
        switch (instruction.Opcode)
        {
            case Opcode.Loop:
                Disqualify();
                // One with parameters would begin with values on its stack.
                _open.Push(instruction.BlockType.TypeIndex < 0 ? new Candidate(instruction.Offset, nextOffset) : null);
                break;
            case Opcode.Block or Opcode.If:
                Disqualify();
                _open.Push(null);
                break;
            case Opcode.End:
                if (_open.TryPop(out var closed) && closed is { IsDone: true }) _candidates.Add(closed with { End = instruction.Offset });
                break;
            case Opcode.BrIf when instruction.Index == 0 && _open.TryPeek(out var open) && open is { IsDone: false }:
                _open.Pop();
                _open.Push(open with { IsDone = true });
                break;
            default:
                if (!(BelongsInVectorLoop(in instruction) || IsDivisionByConstant(in instruction)) || (_open.TryPeek(out var top) && top is { IsDone: true })) Disqualify();
                break;
        }

        _constantBefore = instruction.Opcode is Opcode.I32Const or Opcode.I64Const ? (long)instruction.Constant : null;
    }

    /// <summary>The loops that qualify, and the stores of loops that move with a counter; both by the offset of the loop's opcode.</summary>
    public (Dictionary<int, VectorLoopPlan> Loops, Dictionary<int, IReadOnlyDictionary<int, LoopStore>> Stores) Judge(WasmModule module, Function body)
    {
        var loops = new Dictionary<int, VectorLoopPlan>();
        var stores = new Dictionary<int, IReadOnlyDictionary<int, LoopStore>>();
        if (_candidates.Count == 0) return (loops, stores);
        var types = VectorLoopBody.LocalTypes(module, body);
        foreach (var candidate in _candidates)
        {
            var look = new VectorLoopBody(module, types);
            if (look.TryPlan(candidate.Start, candidate.End) is { } plan) loops.Add(candidate.Offset, plan);
            if (look.Stores is { Count: > 0 } moving) stores.Add(candidate.Offset, moving);
        }

        return (loops, stores);
    }

    private void Disqualify()
    {
        if (_open.TryPop(out _)) _open.Push(null);
    }

    // It cannot trap; LLVM makes a multiplication of it.
    private bool IsDivisionByConstant(ref readonly Instruction instruction) =>
        instruction.Opcode is (>= Opcode.I32DivS and <= Opcode.I32RemU) or (>= Opcode.I64DivS and <= Opcode.I64RemU)
        && _constantBefore is not (null or 0 or -1);

    private static bool BelongsInVectorLoop(ref readonly Instruction instruction) => instruction.Opcode switch
    {
        Opcode.Nop or Opcode.Drop or Opcode.Select or Opcode.LocalGet or Opcode.LocalSet or Opcode.LocalTee or Opcode.GlobalGet => true,
        >= Opcode.I32Load and <= Opcode.I64Store32 => true,
        >= Opcode.I32DivS and <= Opcode.I32RemU => false,
        >= Opcode.I64DivS and <= Opcode.I64RemU => false,
        >= Opcode.I32TruncF32S and <= Opcode.I32TruncF64U => false,
        >= Opcode.I64TruncF32S and <= Opcode.I64TruncF64U => false,
        >= Opcode.I32Const and <= Opcode.I64Extend32S => true,
        _ => false,
    };

    private sealed record Candidate(int Offset, int Start)
    {
        public int End { get; init; }

        public bool IsDone { get; init; }
    }
}
