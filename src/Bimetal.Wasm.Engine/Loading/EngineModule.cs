// A module that is ready to be instantiated, and how it came to be.

using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine;

/// <summary>A decoded, validated, compiled and mapped module. Dispose it after its instances.</summary>
public sealed class EngineModule : IDisposable
{
    private readonly CodeMapping _code;

    internal EngineModule(string name, WasmModule module, CompiledImage image, CodeMapping code, IReadOnlyList<(string Stage, TimeSpan Time)> stages)
    {
        Name = name;
        Module = module;
        Image = image;
        _code = code;
        Loaded = new LoadedModule(module, code);
        Stages = stages;
    }

    /// <summary>The file, or whatever the bytes were called.</summary>
    public string Name { get; }

    public WasmModule Module { get; }

    public LoadedModule Loaded { get; }

    public CompiledImage Image { get; }

    /// <summary>What loading took, in order: read, decode, validate, the compiler's own stages (none from the cache), load.</summary>
    public IReadOnlyList<(string Stage, TimeSpan Time)> Stages { get; }

    public void Dispose() => _code.Dispose();
}
