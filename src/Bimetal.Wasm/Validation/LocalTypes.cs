// Types of the parameters and locals of a function. Locals are declared as runs, and a few bytes can declare tens of thousands, so
// only the first ones are spelled out.

using System.Collections.Immutable;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Validation;

internal sealed class LocalTypes
{
    private const int SpelledOut = 512;

    private readonly ValueType[] _first = new ValueType[SpelledOut];
    private readonly List<uint> _runEnds = [];
    private readonly List<ValueType> _runTypes = [];

    internal uint Count { get; private set; }

    internal ValueType this[uint index]
    {
        get
        {
            if (index < SpelledOut) return _first[index];
            int position = _runEnds.BinarySearch(index + 1);
            return _runTypes[position >= 0 ? position : ~position];
        }
    }

    internal void Reset(ImmutableArray<ValueType> parameters, ImmutableArray<LocalRun> locals)
    {
        Count = 0;
        _runEnds.Clear();
        _runTypes.Clear();
        foreach (var type in parameters) Add(1, type);
        foreach (var run in locals) Add(run.Count, run.Type);
    }

    private void Add(uint count, ValueType type)
    {
        if (count == 0) return;
        for (uint i = Count; i < SpelledOut && i < Count + count; i++) _first[i] = type;
        Count += count;
        _runEnds.Add(Count);
        _runTypes.Add(type);
    }
}
