// A module of a script on its way to an instance.

using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine.Wast;

internal sealed class ScriptModule
{
    /// <summary>The decoded and valid module; null when it is refused.</summary>
    internal WasmModule? Module { get; init; }

    internal LoadedModule? Loaded { get; set; }

    /// <summary>Why there is no <see cref="Loaded"/>.</summary>
    internal string? Failure { get; set; }
}
