// What `bimetal compile` was asked to do.

using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Engine.Limits;

namespace Bimetal.Wasm.Engine.Compile;

/// <summary>One compilation of one file.</summary>
public sealed record CompileRequest
{
    /// <summary>Path of the .wasm file.</summary>
    public required string File { get; init; }

    /// <summary>Where the code image goes; null: nowhere but the cache.</summary>
    public string? Output { get; init; }

    public CompileOptions Compile { get; init; } = new();

    public EngineLimits Limits { get; init; } = EngineLimits.Default;

    /// <summary>Whether the error output tells how far a long compilation is.</summary>
    public bool ShowProgress { get; init; }

    /// <summary>Whether the output is JSON.</summary>
    public bool WritesJson { get; init; }

    /// <summary>Where compiled code is kept between runs; null compiles anew.</summary>
    public CodeCache? Cache { get; init; }
}
