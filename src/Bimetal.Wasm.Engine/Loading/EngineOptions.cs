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

    /// <summary>Where compiled code is kept between runs; null compiles every time.</summary>
    public CodeCache? Cache { get; init; }
}
