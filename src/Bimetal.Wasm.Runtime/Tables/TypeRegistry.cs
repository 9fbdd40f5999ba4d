// Process-wide numbers of function types: an indirect call compares numbers, also across instances of different modules.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

internal static class TypeRegistry
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<FunctionType, uint> Ids = [];

    /// <summary>The number of a type; equal types have equal numbers, and none has 0, which is the number in a null element.</summary>
    public static uint IdOf(FunctionType type)
    {
        lock (Gate)
        {
            if (!Ids.TryGetValue(type, out uint id)) Ids.Add(type, id = (uint)Ids.Count + 1);
            return id;
        }
    }
}
