// A look at what the values in one single-block loop are made of (see VectorLoops.cs). It qualifies when each address is fixed or
// moves with a counter, and an iteration hands nothing to the next but counters and integer sums.

using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit.Memory;

/// <summary>Follows values through one iteration of a loop.</summary>
internal sealed class VectorLoopBody
{
    private const int LoadLimit = 64;

    // Stores are compared with each other; a loop with so many of them is not worth it.
    private const int StoreLimit = 64;

    private readonly WasmModule _module;
    private readonly ValueType[] _localTypes;
    private readonly LoopAccesses _accesses = new();
    private readonly LoopArithmetic _arithmetic;
    private readonly HashSet<uint> _assigned = [];
    private readonly Stack<LoopSymbol> _stack = [];
    private readonly Dictionary<uint, LoopSymbol> _locals = [];
    private readonly Dictionary<uint, int> _carriedReads = [];

    /// <param name="module">The module.</param>
    /// <param name="localTypes">Types of parameters and locals together.</param>
    public VectorLoopBody(WasmModule module, ValueType[] localTypes)
    {
        _module = module;
        _localTypes = localTypes;
        _arithmetic = new LoopArithmetic(_accesses);
    }

    /// <summary>Stores that move with a counter or not at all, by their offset; known once a plan was tried.</summary>
    public IReadOnlyDictionary<int, LoopStore>? Stores { get; private set; }

    /// <summary>Types of parameters and locals together.</summary>
    public static ValueType[] LocalTypes(WasmModule module, Function body)
    {
        var types = new List<ValueType>(module.Types[(int)body.TypeIndex].Parameters);
        foreach (var run in body.Locals) types.AddRange(Enumerable.Repeat(run.Type, (int)run.Count));
        return [.. types];
    }

    /// <summary>Plans for the instructions between two offsets, the last a conditional branch back; null when they do not qualify.</summary>
    public VectorLoopPlan? TryPlan(int start, int end)
    {
        var instruction = default(Instruction);
        var first = new InstructionReader(_module.Bytes.Span, start, end - start);
        while (!first.IsAtEnd && first.Read(ref instruction) is null)
        {
            if (instruction.Opcode is Opcode.LocalSet or Opcode.LocalTee) _assigned.Add(instruction.Index);
        }

        var second = new InstructionReader(_module.Bytes.Span, start, end - start);
        while (!second.IsAtEnd && second.Read(ref instruction) is null)
        {
            Step(in instruction);
            if (_accesses.LoadCount > LoadLimit || _accesses.StoreCount > StoreLimit) return null;
        }

        var steps = new Dictionary<uint, long>();
        var sums = new Dictionary<uint, LoopSymbol>();
        bool isClassified = true;
        foreach (uint local in _carriedReads.Keys.Where(_assigned.Contains)) isClassified &= Classify(local, _locals[local], steps, sums);
        Stores = _accesses.MovingStores(steps);
        return isClassified && _accesses.LoadCount > 0 && _accesses.AreAffine(steps) ? _accesses.Plan(steps, sums, _arithmetic.Hidden) : null;
    }

    private void Step(ref readonly Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.LocalGet: _stack.Push(Read(instruction.Index)); break;
            case Opcode.LocalSet: _locals[instruction.Index] = _stack.Pop(); break;
            case Opcode.LocalTee: _locals[instruction.Index] = _stack.Peek(); break;
            case Opcode.GlobalGet: _stack.Push(_arithmetic.Fresh()); break;
            case Opcode.I32Const or Opcode.I64Const: _stack.Push(LoopArithmetic.Constant((long)instruction.Constant)); break;
            case Opcode.F32Const or Opcode.F64Const: _stack.Push(_arithmetic.Fresh() with { IsInvariant = true, IsFloatConstant = true }); break;
            case Opcode.Drop or Opcode.BrIf: _stack.Pop(); break;
            case Opcode.Nop: break;
            case Opcode.Select: Select(); break;
            default: Compute(in instruction); break;
        }
    }

    private LoopSymbol Read(uint local)
    {
        if (_locals.TryGetValue(local, out var known)) return known;
        _carriedReads[local] = _carriedReads.GetValueOrDefault(local) + 1;
        return _arithmetic.LocalAtStart(local, _assigned.Contains(local));
    }

    private void Select()
    {
        for (int operand = 0; operand < 3; operand++) _stack.Pop();
        _stack.Push(_arithmetic.Fresh());
    }

    private void Compute(ref readonly Instruction instruction)
    {
        var info = instruction.Info;
        var right = _stack.Pop();
        if (info.NaturalAlignment < 0)
        {
            _stack.Push(info.Operands.Length == 1 ? _arithmetic.Unary(info, right) : _arithmetic.Binary(info.Opcode, _stack.Pop(), right));
        }
        else if (info.Results.Length == 0)
        {
            _accesses.AddStore(in instruction, _stack.Pop(), right);
        }
        else
        {
            var loaded = _arithmetic.Fresh() with { Loads = 1UL << (_accesses.LoadCount & (LoadLimit - 1)), MayBePlain = true };
            _accesses.AddLoad(in instruction, right);
            _stack.Push(loaded);
        }
    }

    // What an iteration hands to the next in a local that it reads first and sets later.
    private bool Classify(uint local, LoopSymbol final, Dictionary<uint, long> steps, Dictionary<uint, LoopSymbol> sums)
    {
        if (_localTypes[local] is not (ValueType.I32 or ValueType.I64)) return false;
        if (final.Root == _arithmetic.LocalAtStart(local, isAssigned: true).Root)
        {
            steps.Add(local, final.Delta);
            return true;
        }

        bool isSum = final.Origin == LoopOrigin.Sum && final.OriginLocal == local && _carriedReads[local] == 1;
        bool keepsBits = final.Operation is Opcode.I32Add or Opcode.I64Add or Opcode.I32Sub or Opcode.I64Sub or Opcode.I32Xor or Opcode.I64Xor;
        if (isSum) sums.Add(local, keepsBits ? final : final with { Loads = 0 });
        return isSum;
    }
}
