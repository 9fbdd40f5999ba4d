// What the code of a module may refer to: the context C of core specification 3.1 without locals and labels.

using System.Collections;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Validation;

internal sealed class ModuleScope
{
    private readonly BitArray _declaredFunctions;

    /// <summary>Takes a module whose function types all exist.</summary>
    internal ModuleScope(WasmModule module)
    {
        Module = module;
        _declaredFunctions = new BitArray(module.FunctionCount);
        foreach (uint index in module.ReferencedFunctions) _declaredFunctions[(int)index] = true;
    }

    internal WasmModule Module { get; }

    internal bool HasFunction(uint index) => index < (uint)Module.FunctionCount;

    /// <summary>Whether <c>ref.func</c> in a body may name the function: it occurs outside of bodies and the start section.</summary>
    internal bool IsDeclared(uint functionIndex) => _declaredFunctions[(int)functionIndex];

    internal bool HasType(uint index) => index < (uint)Module.Types.Length;

    internal bool HasTable(uint index) => index < (uint)Module.Tables.Length;

    internal bool HasMemory(uint index) => index < (uint)Module.Memories.Length;

    internal bool HasGlobal(uint index) => index < (uint)Module.GlobalTypes.Length;

    internal bool HasElements(uint index) => index < (uint)Module.Elements.Length;
}
