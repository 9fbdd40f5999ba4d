// The loads and stores of a vector loop, and which loads its stores keep.
//
// A store keeps the loads that its value depends on if LLVM cannot drop the store itself. It could if another store overwrote it
// unread; so each store must move from iteration to iteration by at least what all stores around the same address cover, must not
// overlap another there, and memory counts as read behind the loop (KeptLoads.cs). It could also if it stored what is there: a
// value that may be the loaded one as it is must go to an address that differs, or that LLVM cannot compare.

using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Memory;

/// <summary>A load or store of a loop.</summary>
/// <param name="Offset">Offset of the instruction.</param>
/// <param name="Address">The address, with the instruction's constant offset.</param>
/// <param name="SizeBytes">Bytes accessed.</param>
/// <param name="Stored">The value of a store; null for a load.</param>
internal sealed record LoopAccess(int Offset, LoopSymbol Address, int SizeBytes, LoopSymbol? Stored);

/// <summary>Collects accesses.</summary>
internal sealed class LoopAccesses
{
    private readonly List<LoopAccess> _loads = [];
    private readonly List<LoopAccess> _stores = [];

    public int LoadCount => _loads.Count;

    public int StoreCount => _stores.Count;

    public void AddLoad(ref readonly Instruction instruction, LoopSymbol address) => _loads.Add(Describe(in instruction, address, null));

    public void AddStore(ref readonly Instruction instruction, LoopSymbol address, LoopSymbol value) => _stores.Add(Describe(in instruction, address, value));

    /// <summary>Whether a load of one set may read what a load of the other reads.</summary>
    public bool ShareAddress(ulong left, ulong right)
    {
        if (left == 0 || right == 0) return false;
        foreach (var first in Select(left))
        {
            if (Select(right).Any(second => SameRoot(first.Address, second.Address) && first.Address.Delta == second.Address.Delta)) return true;
        }

        return false;
    }

    /// <summary>Whether every address is one that a vector loop can use.</summary>
    public bool AreAffine(IReadOnlyDictionary<uint, long> steps) =>
        _loads.Concat(_stores).All(access => access.Address.IsInvariant || (access.Address.Scale != 0 && steps.ContainsKey(access.Address.Local)));

    /// <summary>The stores whose address moves with a counter or not at all.</summary>
    public IReadOnlyDictionary<int, LoopStore> MovingStores(IReadOnlyDictionary<uint, long> steps)
    {
        var moving = new Dictionary<int, LoopStore>();
        foreach (var store in _stores)
        {
            var address = store.Address;
            if (!address.IsInvariant && (address.Scale == 0 || !steps.ContainsKey(address.Local))) continue;
            long step = StepOf(store, steps);
            if (Math.Abs(step) <= LoopStore.LongestStepBytes) moving.Add(store.Offset, new LoopStore(address.Local, address.Scale, (int)step));
        }

        return moving;
    }

    /// <summary>Makes the plan of a loop that qualifies.</summary>
    /// <param name="steps">What each counter advances by in an iteration.</param>
    /// <param name="sums">Locals that sum values up, with the sum.</param>
    /// <param name="hidden">Locals whose value must not be known.</param>
    public VectorLoopPlan Plan(
        IReadOnlyDictionary<uint, long> steps, IReadOnlyDictionary<uint, LoopSymbol> sums, IReadOnlyCollection<uint> hidden)
    {
        ulong byStores = 0;
        var copies = new HashSet<int>();
        foreach (var store in _stores.Where(store => CannotBeOverwritten(store, steps) && !StoresWhatIsThere(store)))
        {
            byStores |= LoadsUpTo(store.SizeBytes, store.Stored!.Value.Loads);
            if (store.Stored.Value.MayBePlain && !Select(store.Stored.Value.Loads).Any(load => SameRoot(load.Address, store.Address))) copies.Add(store.Offset);
        }

        ulong bySums = sums.Values.Aggregate(0UL, (loads, sum) => loads | sum.Loads);
        var anchored = Select(byStores | bySums).Where(load => StepOf(load, steps) != 0).Select(load => load.Offset).ToHashSet();
        return new VectorLoopPlan
        {
            Anchored = anchored,
            StoresAnchor = byStores != 0,
            Copies = copies,
            Hidden = hidden,
            Sums = [.. sums.Where(sum => sum.Value.Loads != 0).Select(sum => sum.Key)],
            OtherWidths = _loads.Where(load => !anchored.Contains(load.Offset)).Aggregate(LoadWidths.None, (widths, load) => widths | (LoadWidths)load.SizeBytes),
        };
    }

    private bool CannotBeOverwritten(LoopAccess store, IReadOnlyDictionary<uint, long> steps)
    {
        long step = Math.Abs(StepOf(store, steps));
        var around = _stores.Where(other => SameRoot(other.Address, store.Address)).ToList();
        long first = around.Min(other => other.Address.Delta);
        long end = around.Max(other => other.Address.Delta + other.SizeBytes);
        return step != 0 && end - first <= step && around.TrueForAll(other => other == store || Apart(other, store));
    }

    private bool StoresWhatIsThere(LoopAccess store) => store.Stored!.Value.MayBePlain
        && Select(store.Stored.Value.Loads).Any(load => SameRoot(load.Address, store.Address) && load.Address.Delta == store.Address.Delta);

    private ulong LoadsUpTo(int sizeBytes, ulong loads)
    {
        for (int index = 0; index < _loads.Count; index++)
        {
            if (_loads[index].SizeBytes > sizeBytes) loads &= ~(1UL << index);
        }

        return loads;
    }

    private IEnumerable<LoopAccess> Select(ulong loads) => _loads.Where((_, index) => (loads >> index & 1) != 0);

    private static long StepOf(LoopAccess access, IReadOnlyDictionary<uint, long> steps) =>
        access.Address.IsInvariant ? 0 : (int)(access.Address.Scale * steps[access.Address.Local]);

    private static bool SameRoot(LoopSymbol left, LoopSymbol right) => left.Root == right.Root;

    private static bool Apart(LoopAccess left, LoopAccess right) =>
        left.Address.Delta + left.SizeBytes <= right.Address.Delta || right.Address.Delta + right.SizeBytes <= left.Address.Delta;

    private static LoopAccess Describe(ref readonly Instruction instruction, LoopSymbol address, LoopSymbol? stored) =>
        new(instruction.Offset, address with { Delta = address.Delta + instruction.MemoryOffset }, 1 << instruction.Info.NaturalAlignment, stored);
}
