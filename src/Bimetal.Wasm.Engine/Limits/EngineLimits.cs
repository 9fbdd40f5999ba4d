// Everything that a module, its compilation and its instances may use, in one record.

using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Decoding;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine.Limits;

/// <summary>The limits of the engine by the stage that holds to them. <see cref="LimitTable"/> knows them by name.</summary>
public sealed record EngineLimits
{
    public static EngineLimits Default { get; } = new();

    /// <summary>Of decoding and validation.</summary>
    public DecodeLimits Module { get; init; } = DecodeLimits.Default;

    /// <summary>Of compiling.</summary>
    public ToolchainLimits Compilation { get; init; } = new();

    /// <summary>Of each instance.</summary>
    public InstanceOptions Instance { get; init; } = InstanceOptions.Default;
}
