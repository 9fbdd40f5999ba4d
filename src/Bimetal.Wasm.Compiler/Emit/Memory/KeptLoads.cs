// Loads whose value nothing uses. The specification lets them trap, LLVM would drop them; conformant mode keeps them, at the least
// cost that the place allows:
//   - an address within the memory's minimum size is read without a trap, so nothing is kept;
//   - an access before with the same index, at least as far behind it, traps in its place: fields of a structure want one kept load;
//   - in a loop that LLVM may vectorise, what the loop stores and sums up anyway counts as used behind it (VectorLoopPlan.cs), and
//     values that reach neither are summed up for the purpose;
//   - anywhere else an empty piece of assembly consumes the value.
// Relaxed mode drops loads, but one that integer arithmetic or a comparison uses comes in a register there as well (Pin): x86 would fold it into that
// instruction, and LLVM no longer shortens the chain that the instruction is part of.
// Without LLVM's passes loads are volatile instead: the code generator takes 8 % fewer instructions for them, and makes 1 % more.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler.Emit.Numeric;
using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Memory;

/// <summary>What a load brings: its value as LLVM has it.</summary>
internal readonly record struct LoadedValue(string LlvmType, Value Value, bool IsFloat);

/// <summary>Keeps loads of one function.</summary>
internal sealed class KeptLoads(FunctionBuilder function)
{
    private static readonly string[] WidthTypes = ["i8", "i16", "i32", "i64"];

    // Temporaries that hold what was loaded in relaxed mode, until something is seen to use them.
    private readonly HashSet<long> _loose = [];
    private VectorLoopPlan? _plan;
    private bool _isInVectorLoop;
    private Value _copyBase;
    private uint[] _hiddenLocals = [];
    private Value[] _plainLocals = [];
    private int _loopCount;

    private bool Pins => function.Options is { Mode: CompileMode.Relaxed, Bounds: BoundsMode.Guard, Quick: false } && !_isInVectorLoop;

    private bool IsNeeded => function.Options is { Mode: CompileMode.Conformant, Bounds: BoundsMode.Guard };

    /// <summary>Whether loads keep themselves.</summary>
    public bool AreVolatile => IsNeeded && function.Options.Quick;

    /// <summary>Before the branch to the head of a loop.</summary>
    /// <param name="offset">Offset of its opcode.</param>
    public void EnterLoop(int offset)
    {
        // A loop that polls is not vectorised, and without LLVM's passes none is.
        if (function.Options is { Interrupt: InterruptMode.Poll } or { Quick: true } || !function.Facts.VectorLoops.TryGetValue(offset, out var plan)) return;
        _isInVectorLoop = true;
        if (!IsNeeded) return;
        _plan = plan;
        _loopCount++;
        for (int width = 0; width < WidthTypes.Length; width++)
        {
            if (!_plan.OtherWidths.HasFlag((LoadWidths)(1 << width))) continue;
            function.Slots.Append($"  {Sum(width)} = alloca {WidthTypes[width]}\n");
            function.Line($"store {WidthTypes[width]} 0, ptr {Sum(width)}");
        }

        if (_plan.Copies.Count > 0) _copyBase = OpaqueAssembly.Hide(function, Value.Named(ValueType.FuncRef, AddressBook.Base));
        _hiddenLocals = [.. _plan.Hidden];
        _plainLocals = [.. _hiddenLocals.Select(function.Locals.Get)];
        for (int i = 0; i < _hiddenLocals.Length; i++) function.Locals.Set(_hiddenLocals[i], OpaqueAssembly.Hide(function, _plainLocals[i]));
    }

    /// <summary>Where the memory begins, for a store.</summary>
    public Value StoreBase(ref readonly Instruction instruction) =>
        _plan is not null && _plan.Copies.Contains(instruction.Offset) ? _copyBase : Value.Named(ValueType.FuncRef, AddressBook.Base);

    /// <summary>Behind the last instruction of a loop; a loop with a plan has no other one inside.</summary>
    public void LeaveLoop()
    {
        _isInVectorLoop = false;
        if (_plan is null) return;
        function.Locals.Restore(_hiddenLocals, _plainLocals);
        for (int width = 0; width < WidthTypes.Length; width++)
        {
            if (!_plan.OtherWidths.HasFlag((LoadWidths)(1 << width))) continue;
            var sum = function.Define(ValueType.I64, $"load {WidthTypes[width]}, ptr {Sum(width)}");
            OpaqueAssembly.Keep(function, WidthTypes[width], sum, isFloat: false);
        }

        foreach (uint local in _plan.Sums)
        {
            var sum = function.Locals.Get(local);
            OpaqueAssembly.Keep(function, LlvmTypes.Of(sum), sum, isFloat: false);
        }

        if (_plan.StoresAnchor) OpaqueAssembly.ReadMemory(function);
        _plan = null;
    }

    /// <summary>Keeps a value that <paramref name="instruction"/> just loaded from <paramref name="index"/> and its offset.</summary>
    /// <param name="instruction">The load.</param>
    /// <param name="index">Its operand.</param>
    /// <param name="loaded">What came from memory.</param>
    /// <param name="result">What the guest sees of it. That is what the piece of assembly consumes: one instruction loads and extends.</param>
    public void Keep(ref readonly Instruction instruction, Value index, LoadedValue loaded, LoadedValue result)
    {
        int width = instruction.Info.NaturalAlignment;
        if (Pins && result.Value.Type is (ValueType.I32 or ValueType.I64)) _loose.Add(result.Value.TemporaryNumber);
        if (!IsNeeded || AreVolatile || function.Addresses.IsAlwaysInside(index, instruction.MemoryOffset, 1 << width)) return;
        long end = instruction.MemoryOffset + (1L << width);
        if (function.Addresses.IsCovered(index, end)) return;
        if (_plan is null)
        {
            OpaqueAssembly.Keep(function, result.LlvmType, result.Value, result.IsFloat);
            function.Addresses.Cover(index, end);
        }
        else if (!_plan.Anchored.Contains(instruction.Offset)) AddToSum(width, loaded.LlvmType, loaded.Value, loaded.IsFloat);
    }

    /// <summary>In relaxed mode: arithmetic or a comparison is about to use a value.</summary>
    public void Pin(Value value)
    {
        if (Pins && _loose.Remove(value.TemporaryNumber)) OpaqueAssembly.Keep(function, LlvmTypes.Of(value), value, isFloat: false);
    }

    /// <summary>Notes a store: it traps, or a later one to the same place does before anybody sees a difference.</summary>
    public void NoteStore(ref readonly Instruction instruction, Value index)
    {
        if (IsNeeded && _plan is null) function.Addresses.Cover(index, instruction.MemoryOffset + (1L << instruction.Info.NaturalAlignment));
    }

    private void AddToSum(int width, string llvmType, Value value, bool isFloat)
    {
        string type = WidthTypes[width];
        var bits = isFloat ? function.Define(ValueType.I64, $"bitcast {llvmType} {value} to {type}") : value;
        var before = function.Define(ValueType.I64, $"load {type}, ptr {Sum(width)}");
        var after = function.Define(ValueType.I64, $"add {type} {before}, {bits}");
        function.Line($"store {type} {after}, ptr {Sum(width)}");
    }

    private string Sum(int width) => $"%k{_loopCount}.{width}";
}
