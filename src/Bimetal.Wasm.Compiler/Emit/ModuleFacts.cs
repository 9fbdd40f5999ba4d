// What a first look over all function bodies tells: facts that the emitter needs before it writes the first line of a function.

using System.Collections.Immutable;
using Bimetal.Wasm.Compiler.Emit.Memory;
using Bimetal.Wasm.Compiler.Emit.Table;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>Facts about one function body.</summary>
internal sealed class FunctionFacts(int parameterCount)
{
    // A leaf this small cannot use up the headroom that the runtime leaves below the stack limit.
    private const int LeafInstructions = 2_000;
    private const int LeafLocals = 200;

    public bool Calls { get; set; }

    /// <summary>Whether it ends in tail calls.</summary>
    public bool TailCalls { get; set; }

    public bool UsesMemory { get; set; }

    public int InstructionCount { get; set; }

    public long LocalCount { get; set; } = parameterCount;

    /// <summary>Loops that LLVM may vectorise, by the offset of their opcode.</summary>
    public IReadOnlyDictionary<int, VectorLoopPlan> VectorLoops { get; set; } = new Dictionary<int, VectorLoopPlan>();

    /// <summary>For loops of one basic block, by the offset of their opcode: the stores that move with a counter, by their own offset.</summary>
    public IReadOnlyDictionary<int, IReadOnlyDictionary<int, LoopStore>> LoopStores { get; set; } = new Dictionary<int, IReadOnlyDictionary<int, LoopStore>>();

    /// <summary>How much may be done with it (FunctionShape.cs).</summary>
    public Effort Effort { get; set; }

    /// <summary>Whether the function compares the stack pointer with its limit at its start.</summary>
    public bool ChecksStack => Calls || InstructionCount > LeafInstructions || LocalCount > LeafLocals;
}

/// <summary>Facts about a module.</summary>
internal sealed class ModuleFacts
{
    private readonly ImmutableArray<TableFacts> _tables;
    private readonly IReadOnlyDictionary<uint, int> _indirectCalls;
    private readonly HashSet<uint> _tailFunctions = [];

    private ModuleFacts(WasmModule module, FunctionFacts[] functions, ImmutableArray<TableFacts> tables, IReadOnlyDictionary<uint, int> indirectCalls, HashSet<uint> tailCallees)
    {
        Functions = functions;
        _tables = tables;
        _indirectCalls = indirectCalls;
        for (uint index = (uint)module.ImportedFunctionCount; index < (uint)module.FunctionCount; index++)
        {
            if (functions[index - module.ImportedFunctionCount].TailCalls || tailCallees.Contains(index)) _tailFunctions.Add(index);
        }
    }

    /// <summary>Facts of each function defined in the module.</summary>
    public FunctionFacts[] Functions { get; }

    /// <summary>Facts of a table.</summary>
    public TableFacts Table(uint table) => _tables[(int)table];

    /// <summary>Whether a function defined in the module has the calling convention of tail calls (TailCalls.cs).</summary>
    public bool IsTailFunction(uint functionIndex) => _tailFunctions.Contains(functionIndex);

    /// <summary>How many instructions of the module call a function of this type by way of a table.</summary>
    public int IndirectCallsOf(uint typeIndex) => _indirectCalls.GetValueOrDefault(typeIndex);

    public bool HasTailFunctions => _tailFunctions.Count > 0;

    public static ModuleFacts Of(WasmModule module)
    {
        var writers = new TableWriters(module.Tables.Length);
        var indirectCalls = new Dictionary<uint, int>();
        var tailCallees = new HashSet<uint>();
        var functions = new FunctionFacts[module.Functions.Length];
        var instruction = default(Instruction);
        for (int index = 0; index < functions.Length; index++)
        {
            var body = module.Functions[index];
            var facts = functions[index] = new FunctionFacts(module.Types[(int)body.TypeIndex].Parameters.Length);
            foreach (var run in body.Locals) facts.LocalCount += run.Count;
            var loops = new VectorLoops();
            var shape = new FunctionShape();
            shape.Start(body.BodyLength);
            var reader = new InstructionReader(module.Bytes.Span, body.BodyOffset, body.BodyLength);
            while (!reader.IsAtEnd)
            {
                if (reader.Read(ref instruction) is { } error) throw new ArgumentException($"The module was not validated: {error.Message}", nameof(module));
                Note(facts, in instruction);
                writers.Note(in instruction);
                if (instruction.Opcode == Opcode.CallIndirect) indirectCalls[instruction.Index] = indirectCalls.GetValueOrDefault(instruction.Index) + 1;
                if (instruction.Opcode == Opcode.ReturnCall) tailCallees.Add(instruction.Index);
                loops.Note(in instruction, reader.Offset);
                shape.Note(instruction.Opcode);
            }

            facts.Effort = shape.Effort;
            (facts.VectorLoops, facts.LoopStores) = loops.Judge(module, body);
        }

        return new ModuleFacts(module, functions, writers.Judge(module), indirectCalls, tailCallees);
    }

    private static void Note(FunctionFacts facts, ref readonly Instruction instruction)
    {
        facts.InstructionCount++;
        switch (instruction.Opcode)
        {
            case Opcode.Call or Opcode.CallIndirect or Opcode.MemoryGrow or Opcode.MemoryInit or Opcode.DataDrop:
            case Opcode.TableGrow or Opcode.TableFill or Opcode.TableCopy or Opcode.TableInit or Opcode.ElemDrop:
                facts.Calls = true;
                break;
            // No frame of its own is left when the callee begins, so that needs no look at the stack limit.
            case Opcode.ReturnCall or Opcode.ReturnCallIndirect:
                facts.TailCalls = true;
                break;
            default:
                facts.UsesMemory |= instruction.Info.NaturalAlignment >= 0;
                break;
        }
    }
}
