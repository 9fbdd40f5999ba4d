// How the engine loads modules.

using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Engine.Limits;

namespace Bimetal.Wasm.Engine;

/// <summary>Options of a <see cref="WasmEngine"/>.</summary>
public sealed record EngineOptions
{
    public EngineLimits Limits { get; init; } = EngineLimits.Default;

    public CompileOptions Compile { get; init; } = new();

    /// <summary>
    /// Memories that must fit into the address space for code that relies on guard pages. Where they do not, modules are compiled with explicit
    /// bounds checks (and without marks of writes), and <see cref="WasmEngine.TakeNotice"/> says so. 0: never.
    /// </summary>
    public int GuardedMemories { get; init; } = 1;

    /// <summary>Where compiled code is kept between runs; null compiles every time.</summary>
    public CodeCache? Cache { get; init; }
}
