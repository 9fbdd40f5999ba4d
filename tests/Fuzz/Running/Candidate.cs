// A module to compare, wherever it came from.

using Bimetal.Fuzz.Model;

namespace Bimetal.Fuzz.Running;

/// <summary>A binary and the calls to make.</summary>
/// <param name="Name">What reports call it.</param>
/// <param name="Bytes">The module.</param>
/// <param name="Calls">Calls, made in order into one instance as long as none traps.</param>
internal sealed record Candidate(string Name, byte[] Bytes, IReadOnlyList<FuzzCall> Calls)
{
    /// <summary>
    /// Modules of one function "f" each, by the names of the imports that they stand for in V8: what JavaScript cannot be, because a
    /// vector would cross.
    /// </summary>
    internal IReadOnlyDictionary<string, byte[]> Stubs { get; init; } = new Dictionary<string, byte[]>();

    internal static Candidate Of(string name, FuzzModule module) => new(name, module.Encode(), module.Calls);
}
