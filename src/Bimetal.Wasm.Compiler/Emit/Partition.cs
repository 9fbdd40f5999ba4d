// One LLVM module of an image. Big images are cut into several, which are compiled side by side and linked together.

using System.Text;

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>Functions that are compiled in one run of clang.</summary>
internal sealed class Partition
{
    private readonly HashSet<string> _defined = [];
    private readonly Dictionary<string, string> _called = [];

    public StringBuilder Text { get; } = new();

    /// <summary>Where the functions' code comes from.</summary>
    public Locations Locations { get; } = new();

    /// <summary>What its functions allow LLVM to do.</summary>
    public Effort Effort { get; init; }

    public void Define(string name) => _defined.Add(name);

    /// <summary>Notes that a function is called here; <paramref name="declaration"/> is used if another partition defines it.</summary>
    public void Call(string name, string declaration) => _called.TryAdd(name, declaration);

    /// <summary>Declarations of the functions that are called here and defined in another partition.</summary>
    public string Declarations() =>
        string.Concat(_called.Where(called => !_defined.Contains(called.Key)).OrderBy(called => called.Key, StringComparer.Ordinal).Select(called => called.Value));
}
