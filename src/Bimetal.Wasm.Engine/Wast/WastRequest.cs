// What `bimetal wast` was asked to do.

using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Compiler.Cache;

namespace Bimetal.Wasm.Engine.Wast;

/// <summary>A run of test scripts.</summary>
public sealed record WastRequest
{
    /// <summary>.wast files, .json files made by wast2json, or folders of either.</summary>
    public required IReadOnlyList<string> Paths { get; init; }

    public CompileOptions Compile { get; init; } = new();

    public CodeCache? Cache { get; init; }

    /// <summary>Scripts that run at once.</summary>
    public int Threads { get; init; } = 2;

    /// <summary>Whether each finished script is reported to the error output.</summary>
    public bool ShowProgress { get; init; }
}
