// All mapped code of the process, so that a program counter finds its module.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

/// <summary>From program counters to functions of modules.</summary>
internal static class CodeDirectory
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<nuint, WeakReference<CodeMapping>> Mappings = [];

    public static void Add(nuint address, CodeMapping mapping)
    {
        lock (Gate) Mappings[address] = new WeakReference<CodeMapping>(mapping);
    }

    public static void Remove(nuint address)
    {
        lock (Gate) Mappings.Remove(address);
    }

    /// <summary>The frames that a program counter stands for, innermost first: two where a function was inlined, none for code that is nobody's.</summary>
    public static IEnumerable<TrapFrame> Resolve(nuint pc)
    {
        if (Find(pc) is not { } mapping) return [];
        try
        {
            var map = mapping.Symbols;
            uint address = mapping.AddressOf(pc);
            if (map.FunctionAt(address) is not { } function || function.Kind == CodeKind.Routine) return [];
            return mapping.ModuleAt(function.Ordinal) is { } module ? Frames(module, function, map.OffsetAt(function, address)) : [];
        }
        finally
        {
            mapping.Release();
        }
    }

    private static TrapFrame[] Frames(WasmModule module, in CodeFunction function, uint offset)
    {
        if (function.Kind == CodeKind.Import) return [TrapFrame.Of(module, function.Index, null)];
        if (offset == 0) return [TrapFrame.Of(module, function.Index, null)];
        uint inner = FunctionOf(module, offset) ?? function.Index;
        var frame = TrapFrame.Of(module, inner, offset);
        return inner == function.Index ? [frame] : [frame, TrapFrame.Of(module, function.Index, null)];
    }

    // Bodies stand in the module in the order of their indices.
    private static uint? FunctionOf(WasmModule module, uint offset)
    {
        int low = 0, high = module.Functions.Length;
        while (low < high)
        {
            int middle = low + ((high - low) / 2);
            if ((uint)module.Functions[middle].BodyOffset <= offset) low = middle + 1;
            else high = middle;
        }

        return low == 0 ? null : (uint)(low - 1 + module.ImportedFunctionCount);
    }

    // The mapping with a reference taken, or null.
    private static CodeMapping? Find(nuint pc)
    {
        lock (Gate)
        {
            foreach (var (address, reference) in Mappings)
            {
                if (pc >= address && reference.TryGetTarget(out var mapping) && pc - address < (nuint)mapping.LengthBytes && mapping.TryAddReference()) return mapping;
            }
        }

        return null;
    }
}
