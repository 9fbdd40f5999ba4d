// The state of one function being emitted: its IR text, the operand stack, and the basic block it is in. The instruction families
// in the folders beside this file work on it; ControlFlow and LocalVariables hold the parts with rules of their own.

using System.Runtime.CompilerServices;
using System.Text;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler.Emit.Control;
using Bimetal.Wasm.Compiler.Emit.Memory;
using Bimetal.Wasm.Compiler.Emit.Numeric;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>Builds the IR of one function.</summary>
internal sealed class FunctionBuilder
{
    // An instruction has no more traps than this; what is further back is of another one, unless code is not located: then it is all codes.
    private const int RememberedTraps = 16;

    // Label of the cold block that raises what a poll has found.
    private const string PollTrap = "tp";

    /// <summary>What one value of one branch counts for: most never become part of a phi.</summary>
    public const int CharactersOfIncoming = 8;

    /// <summary>Where functions called from here leave results that do not fit into registers.</summary>
    public const string CalleeResults = "%ra";

    private readonly List<(TrapCode Code, string Place)> _traps = [];
    private Value[] _stack = new Value[64];
    private int _calleeResultSlots;
    private bool _polls;
    private int _start;
    private int _offset;
    private int _labelCount;

    public FunctionBuilder(ModuleScope module, FunctionType type, FunctionFacts facts)
    {
        Module = module;
        Type = type;
        Facts = facts;
        Locals = new LocalVariables(this);
        Joins = new Joins(this);
        Control = new ControlFlow(this);
        Addresses = new AddressBook(this);
        Loads = new KeptLoads(this);
        Marks = new LoopMarks(this);
        Sums = new ConstantSums(this);
        LowBytes = new LowBytes(this);
    }

    public ModuleScope Module { get; }

    public FunctionType Type { get; }

    public FunctionFacts Facts { get; }

    public LocalVariables Locals { get; }

    public ControlFlow Control { get; }

    public Joins Joins { get; }

    public AddressBook Addresses { get; }

    public KeptLoads Loads { get; }

    public LoopMarks Marks { get; }

    public ConstantSums Sums { get; }

    public LowBytes LowBytes { get; }

    /// <summary>Stack slots that are found to be needed on the way; written before <see cref="Entry"/>, which ends in a branch.</summary>
    public StringBuilder Slots { get; } = new();

    /// <summary>Lines of the entry block: allocas, initial values, the stack check. Their names never count as temporaries.</summary>
    public StringBuilder Entry { get; } = new();

    public StringBuilder Body { get; } = new();

    /// <summary>Number of the next temporary; LLVM wants them numbered in textual order.</summary>
    public long NextTemporary { get; private set; }

    /// <summary>Label of the basic block that lines go to.</summary>
    public string CurrentBlock { get; private set; } = "e";

    public int StackDepth { get; private set; }

    public CompileOptions Options => Module.Options;

    /// <summary>Number of the function's scope in the partition's locations; 0 when code is not located.</summary>
    public int Scope { get; init; }

    /// <summary>Characters written so far, and those that branches have asked for.</summary>
    public long Characters => Slots.Length + (long)Entry.Length + Body.Length + (Control.RecordedValues * CharactersOfIncoming);

    /// <summary>The area for the results of a callee, which are read before the next call.</summary>
    public string ResultArea(FunctionType callee)
    {
        _calleeResultSlots = Math.Max(_calleeResultSlots, callee.Results.Sum(type => type.SlotCount()));
        return CalleeResults;
    }

    /// <summary>Writes the slots that are needed once for the whole function.</summary>
    public void WriteSharedSlots()
    {
        if (_calleeResultSlots > 0) Slots.Append($"  {CalleeResults} = alloca [{_calleeResultSlots} x i64], align 16\n");
    }

    /// <summary>Writes a line that defines no value.</summary>
    public void Line([InterpolatedStringHandlerArgument("")] ref IrLine line)
    {
        _ = line;
        Body.Append('\n');
    }

    /// <summary>
    /// Writes <c>%N = …</c>. Operands must be in variables before the call: whatever they still have to emit comes first.
    /// </summary>
    public Value Define(ValueType type, [InterpolatedStringHandlerArgument("")] ref IrDefinition definition, Shape shape = Shape.Canonical)
    {
        _ = definition;
        Body.Append('\n');
        return Value.Temporary(type, NextTemporary++, shape);
    }

    /// <summary>Defines an i1 that stands for an i32.</summary>
    public Value DefineBit([InterpolatedStringHandlerArgument("")] ref IrDefinition definition) => Define(ValueType.I32, ref definition, Shape.Bit);

    /// <summary>Defines an address inside the process (not a WebAssembly value).</summary>
    public Value DefinePointer([InterpolatedStringHandlerArgument("")] ref IrDefinition definition) => Define(ValueType.FuncRef, ref definition);

    public void Push(Value value)
    {
        if (StackDepth == _stack.Length) Array.Resize(ref _stack, _stack.Length * 2);
        _stack[StackDepth++] = value;
    }

    /// <summary>Takes the top value in whatever shape it has.</summary>
    public Value PopAnyShape() => _stack[--StackDepth];

    /// <summary>Takes the top value in the canonical shape of its type.</summary>
    public Value Pop() => Canonical(PopAnyShape());

    /// <summary>Takes the top i32 as an i1: whether it is not zero.</summary>
    public Value PopBit()
    {
        var value = PopAnyShape();
        return value.Shape == Shape.Bit ? value : DefineBit($"icmp ne i32 {value}, 0");
    }

    /// <summary>Takes the top v128 in the given shape.</summary>
    public Value PopVector(Shape shape)
    {
        var value = PopAnyShape();
        if (value.Shape == shape) return value;
        return Define(ValueType.V128, $"bitcast {LlvmTypes.Of(value)} {value} to {LlvmTypes.OfVector(shape)}", shape);
    }

    /// <summary>The top values in canonical shape, bottom first; they stay on the stack.</summary>
    public Value[] PeekCanonical(int count)
    {
        if (count == 0) return [];
        for (int index = StackDepth - count; index < StackDepth; index++) _stack[index] = Canonical(_stack[index]);
        return _stack.AsSpan(StackDepth - count, count).ToArray();
    }

    /// <summary>The top values as they go to another block or to the caller (see <see cref="FloatConstants.Leaving"/>); they stay on the stack.</summary>
    public Value[] PeekLeaving(int count)
    {
        for (int index = StackDepth - count; index < StackDepth; index++) _stack[index] = FloatConstants.Leaving(this, _stack[index]);
        return PeekCanonical(count);
    }

    public Value[] PopMany(int count)
    {
        var values = PeekCanonical(count);
        StackDepth -= count;
        return values;
    }

    /// <summary>Drops what is above <paramref name="depth"/>.</summary>
    public void TruncateStack(int depth) => StackDepth = depth;

    public Value Canonical(Value value) => value.Shape switch
    {
        Shape.Canonical => value,
        Shape.Bit => Define(ValueType.I32, $"zext i1 {value} to i32"),
        _ => Define(ValueType.V128, $"bitcast {LlvmTypes.Of(value)} {value} to <2 x i64>"),
    };

    public string NewLabel() => $"b{_labelCount++}";

    /// <summary>
    /// Starts a basic block that only the block just ended leads to, so that what is known of addresses still holds.
    /// </summary>
    public void ContinueIn(string label)
    {
        Body.Append(label).Append(":\n");
        CurrentBlock = label;
    }

    /// <summary>Starts a basic block that several blocks lead to, or another than the one just ended.</summary>
    /// <param name="label">Its label.</param>
    /// <param name="knownAddresses">What is known of addresses on all ways to it.</param>
    public void JoinIn(string label, AddressesKnown knownAddresses)
    {
        ContinueIn(label);
        Addresses.Forget(knownAddresses);
    }

    public void TrapIf(Value bit, TrapCode code)
    {
        string next = NewLabel();
        Line($"br i1 {bit}, label %{TrapLabel(code)}, label %{next}");
        ContinueIn(next);
    }

    public void TrapUnless(Value bit, TrapCode code)
    {
        string next = NewLabel();
        Line($"br i1 {bit}, label %{next}, label %{TrapLabel(code)}");
        ContinueIn(next);
    }

    /// <summary>Where a guest that never ends would come by again and again: stops it if that was asked for.</summary>
    public void Poll()
    {
        if (Options.Interrupt != InterruptMode.Poll) return;
        _polls = true;
        string next = NewLabel();
        var address = ContextAddress(ContextHeader.Interrupt);
        var asked = Define(ValueType.I32, $"load volatile i32, ptr {address}, align 8, {Metadata.Header}");
        var isAsked = DefineBit($"icmp ne i32 {asked}, 0");
        Line($"br i1 {isAsked}, label %{PollTrap}, label %{next}");
        ContinueIn(next);
    }

    /// <summary>The function begins at this offset in the module.</summary>
    public void StartAt(int offset)
    {
        _start = offset;
        MoveTo(offset);
    }

    /// <summary>From here on code comes from the instruction at this offset in the module.</summary>
    public void MoveTo(int offset) => _offset = offset;

    /// <summary>What an instruction that can trap or call ends with: where it comes from. Empty when code is not located.</summary>
    public string Place => Scope == 0 ? "" : Locations.At(_offset, Scope);

    /// <summary>Label of the cold block that raises a code; there is one per code and place, written at the end.</summary>
    public string TrapLabel(TrapCode code)
    {
        var trap = (code, Place);
        int index = _traps.Count == 0 ? -1 : _traps.LastIndexOf(trap, _traps.Count - 1, Math.Min(_traps.Count, RememberedTraps));
        if (index < 0)
        {
            index = _traps.Count;
            _traps.Add(trap);
        }

        return $"t{index}";
    }

    /// <summary>Writes the blocks that <see cref="TrapLabel"/> promised. LLVM must not merge them: where each is called from tells the place.</summary>
    public void WriteTrapBlocks()
    {
        for (int index = 0; index < _traps.Count; index++)
        {
            Body.Append($"t{index}:\n");
            Line($"call void @{Prelude.Raise}(ptr %c, i32 {(int)_traps[index].Code}){(Scope == 0 ? "" : " " + Locations.Unmerged)}{_traps[index].Place}");
            Line($"unreachable");
        }

        if (!_polls) return;
        // One for all: a guest that is stopped where it polls is told as being in its function.
        MoveTo(_start);
        Body.Append(PollTrap).Append(":\n");
        var address = ContextAddress(ContextHeader.Interrupt);
        var asked = Define(ValueType.I32, $"load volatile i32, ptr {address}, align 8, {Metadata.Header}");
        Line($"call void @{Prelude.Raise}(ptr %c, i32 {asked}){Place}");
        Line($"unreachable");
    }

    /// <summary>Address of a byte of the instance context.</summary>
    public Value ContextAddress(int offset) =>
        offset == 0 ? Value.Named(ValueType.FuncRef, "%c") : DefinePointer($"getelementptr i8, ptr %c, i64 {offset}");

    /// <summary>Loads a pointer of the context that never changes during a call.</summary>
    public Value ContextPointer(int offset)
    {
        var address = ContextAddress(offset);
        return DefinePointer($"load ptr, ptr {address}, align 8, {Metadata.Invariant}");
    }
}
