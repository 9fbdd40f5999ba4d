// Where the items of a module begin in its bytes, for the messages of the validator.

using System.Collections.Immutable;

namespace Bimetal.Wasm.Modules;

internal sealed record ItemOffsets
{
    internal ImmutableArray<int> Imports { get; init; } = [];

    /// <summary>Entries of the function section.</summary>
    internal ImmutableArray<int> Functions { get; init; } = [];

    /// <summary>Tables defined here (not the imported ones).</summary>
    internal ImmutableArray<int> Tables { get; init; } = [];

    /// <summary>Memories defined here (not the imported ones).</summary>
    internal ImmutableArray<int> Memories { get; init; } = [];

    internal ImmutableArray<int> Exports { get; init; } = [];

    internal int Start { get; init; }

    internal ImmutableArray<int> Elements { get; init; } = [];

    internal ImmutableArray<int> DataSegments { get; init; } = [];
}
