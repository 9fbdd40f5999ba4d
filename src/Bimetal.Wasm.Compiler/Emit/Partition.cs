// One LLVM module of an image. Big images are cut into several, which are compiled side by side and linked together.

using System.Text;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>Functions that are compiled in one run of clang.</summary>
internal sealed class Partition
{
    private readonly HashSet<string> _defined = [];
    private readonly Dictionary<string, FunctionType> _called = [];

    public StringBuilder Text { get; } = new();

    public void Define(string name) => _defined.Add(name);

    public void Call(string name, FunctionType type) => _called.TryAdd(name, type);

    /// <summary>Declarations of the functions that are called here and defined in another partition.</summary>
    public string Declarations()
    {
        var text = new StringBuilder();
        foreach (var (name, type) in _called.Where(called => !_defined.Contains(called.Key)).OrderBy(called => called.Key, StringComparer.Ordinal))
        {
            string parameters = string.Concat(type.Parameters.Select(parameter => ", " + LlvmTypes.Of(parameter)));
            text.Append($"declare hidden {LlvmTypes.OfResults(type)} @{name}(ptr{parameters}) #0\n");
        }

        return text.ToString();
    }
}
