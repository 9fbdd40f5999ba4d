// Marks of what a loop writes (WriteMarks.cs), set behind it instead of in every iteration: a mark in the loop would keep LLVM from
// vectorising it. For stores whose address moves with a counter in a loop of one basic block (VectorLoops.cs): where they began follows
// from how far the counter came. A loop that is left in the middle was left by a trap or a deadline, after which marks do not count.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit.Memory;

/// <summary>A store whose address moves by the same distance in each iteration, or not at all.</summary>
/// <param name="Local">The counter; meaningless without a step.</param>
/// <param name="Scale">By how many times the counter's distance it moves, modulo 2^32.</param>
/// <param name="StepBytes">How far it moves in an iteration.</param>
internal readonly record struct LoopStore(uint Local, long Scale, int StepBytes)
{
    /// <summary>With greater steps an address could leap over everything that lies outside of a memory, and arrive inside again.</summary>
    public const int LongestStepBytes = 1 << 20;
}

/// <summary>Marks of the loop at hand, of one function.</summary>
internal sealed class LoopMarks(FunctionBuilder function)
{
    private static readonly Dictionary<int, LoopStore> NoStores = [];

    private readonly List<Range> _ranges = [];
    private readonly Dictionary<uint, Counter> _counters = [];
    private IReadOnlyDictionary<int, LoopStore> _stores = NoStores;

    /// <summary>Before the branch to the head of a loop.</summary>
    /// <param name="offset">Offset of its opcode.</param>
    public void EnterLoop(int offset)
    {
        if (!function.Options.MarkWrites || !function.Facts.LoopStores.TryGetValue(offset, out var stores)) return;
        _stores = stores;
        foreach (var store in stores.Values)
        {
            if (store.StepBytes != 0) _counters[store.Local] = new Counter(function.Locals.Get(store.Local), default);
        }
    }

    /// <summary>At the head of the loop.</summary>
    public void StartIteration()
    {
        foreach (uint local in _counters.Keys) _counters[local] = _counters[local] with { Now = function.Locals.Get(local) };
    }

    /// <summary>Takes a store to be marked behind the loop; false if it has to be marked where it is.</summary>
    public bool TryPostpone(int instructionOffset, Value index, uint memoryOffset)
    {
        if (!_stores.TryGetValue(instructionOffset, out var store) || !index.IsVariable) return false;
        int known = _ranges.FindIndex(range => range.Index.IsSame(index));
        if (known < 0) _ranges.Add(new Range(index, store, memoryOffset, memoryOffset));
        else _ranges[known] = _ranges[known] with { First = Math.Min(_ranges[known].First, memoryOffset), Last = Math.Max(_ranges[known].Last, memoryOffset) };
        return true;
    }

    /// <summary>Behind the last instruction of a loop; a loop with such stores has no other one inside.</summary>
    public void LeaveLoop()
    {
        foreach (var range in _ranges) Mark(range);
        _ranges.Clear();
        _counters.Clear();
        _stores = NoStores;
    }

    private void Mark(Range range)
    {
        function.Module.Prelude.UseRangeMarks();
        Value low = range.Index, high = range.Index;
        if (range.Store.StepBytes != 0)
        {
            var counter = _counters[range.Store.Local];
            var distance = function.Define(ValueType.I32, $"sub i32 {counter.Now}, {counter.Start}");
            if (range.Store.Scale != 1) distance = function.Define(ValueType.I32, $"mul i32 {distance}, {(int)range.Store.Scale}");
            var start = function.Define(ValueType.I32, $"sub i32 {range.Index}, {distance}");
            (low, high) = range.Store.StepBytes > 0 ? (start, high) : (low, start);
        }

        var first = Address(low, range.First);
        var last = Address(high, range.Last);
        function.Line($"call void @{Prelude.MarkRange}(ptr %c, i64 {first}, i64 {last}){function.Place}");
    }

    private Value Address(Value index, uint offset)
    {
        var wide = function.Define(ValueType.I64, $"zext i32 {index} to i64");
        return offset == 0 ? wide : function.Define(ValueType.I64, $"add i64 {wide}, {offset}");
    }

    private readonly record struct Counter(Value Start, Value Now);

    private readonly record struct Range(Value Index, LoopStore Store, uint First, uint Last);
}
