// What all functions of one module share while they are emitted.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>One module of an image being emitted.</summary>
internal sealed class ModuleScope(WasmModule module, int ordinal, CompileOptions options, Prelude prelude, EmissionBudget budget)
{
    public WasmModule Module { get; } = module;

    public CompileOptions Options { get; } = options;

    /// <summary>Routines that all modules of the image share.</summary>
    public Prelude Prelude { get; } = prelude;

    public EmissionBudget Budget { get; } = budget;

    /// <summary>Where the function being emitted goes.</summary>
    public Partition Partition { get; set; } = new();

    public ContextLayout Layout { get; } = new(module);

    public ModuleFacts Facts { get; } = ModuleFacts.Of(module);

    /// <summary>Functions that something outside of compiled code can call: they need an address in the root.</summary>
    public IReadOnlySet<uint> ReachableFromOutside { get; } = FindReachable(module);

    /// <summary>Symbol of a function defined in the module, without sigil.</summary>
    public string FunctionName(uint functionIndex) => $"m{ordinal}f{functionIndex}";

    /// <summary>Symbol of what the runtime and function records know as the code of a function defined in the module.</summary>
    public string OuterName(uint functionIndex) => Facts.IsTailFunction(functionIndex) ? $"m{ordinal}w{functionIndex}" : FunctionName(functionIndex);

    /// <summary>Symbol of the thunk of an imported function.</summary>
    public string ThunkName(uint functionIndex) => $"m{ordinal}h{functionIndex}";

    private static HashSet<uint> FindReachable(WasmModule module)
    {
        HashSet<uint> reachable = [.. module.ReferencedFunctions];
        if (module.StartFunction is { } start) reachable.Add(start);
        return reachable;
    }
}
