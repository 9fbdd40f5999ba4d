// What `bimetal invoke` was asked to do.

using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Engine.Limits;

namespace Bimetal.Wasm.Engine.Invoke;

/// <summary>One export, called once or several times.</summary>
public sealed record InvokeRequest
{
    /// <summary>Path of the .wasm file.</summary>
    public required string File { get; init; }

    /// <summary>Name of the exported function; <c>_start</c> runs a WASI program.</summary>
    public required string Export { get; init; }

    /// <summary>Arguments as written: typed by the function, or for <c>_start</c> those of the program.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Environment of a WASI program, entries of the form NAME=VALUE. Nothing is inherited.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    public CompileOptions Compile { get; init; } = new();

    /// <summary>Whether explicit bounds checks may stand in for guard pages that cannot be had.</summary>
    public bool MayCheckBounds { get; init; } = true;

    public CodeCache? Cache { get; init; }

    /// <summary>How often the export is called in the same instance, at least once; the results of the last call are printed.</summary>
    public int CallCount { get; init; } = 1;

    /// <summary>CPU time for each call; null: none.</summary>
    public TimeSpan? CpuLimit { get; init; }

    public EngineLimits Limits { get; init; } = EngineLimits.Default;

    /// <summary>Standard input of a WASI program; null is empty.</summary>
    public Stream? StandardInput { get; init; }

    /// <summary>Where the guest's standard output goes, byte for byte; null: as text to the command's own output.</summary>
    public Stream? StandardOutput { get; init; }

    /// <summary>Where the guest's standard error goes, byte for byte; null: as text to the command's own error output.</summary>
    public Stream? StandardError { get; init; }

    /// <summary>Whether the time of each stage is printed to the error output.</summary>
    public bool ShowStages { get; init; }

    /// <summary>Whether the last line of output says how long the calls took.</summary>
    public bool ShowTime { get; init; }
}
