// Bridges from the convention of tail calls to the C convention, one for each type: `bridge(context, parameters…, code)` calls the code
// and returns what it returns (TailCalls.cs).

using System.Text;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit.Call;

/// <summary>The bridges of an image.</summary>
internal sealed class TailBridges
{
    private readonly Dictionary<FunctionType, string> _names = [];

    /// <summary>Text of all definitions so far.</summary>
    public StringBuilder Text { get; } = new();

    /// <summary>Symbols of all definitions so far.</summary>
    public IReadOnlyCollection<string> Names => _names.Values;

    /// <summary>Symbol of the bridge for a type, written at first use, and declared for the partition at hand.</summary>
    public string NameFor(ModuleScope module, FunctionType type)
    {
        if (!_names.TryGetValue(type, out string? name))
        {
            name = $"v{_names.Count}";
            _names.Add(type, name);
            int before = Text.Length;
            Write(name, type);
            module.Budget.Spend(Text.Length - before);
        }

        module.Partition.Call(name, GuestSignature.Declare(name, type, isTailFunction: true, lastParameter: ", ptr"));
        return name;
    }

    private void Write(string name, FunctionType type)
    {
        string returned = GuestSignature.Returned(type);
        Text.Append($"define hidden {GuestSignature.TailConvention}{returned} @{name}(ptr %c{GuestSignature.Parameters(type, isTailFunction: true)}, ptr %f) #0 {{\n{GuestSignature.JoinHalves(type)}  ");
        Text.Append($"{(returned == "void" ? "" : "%r = ")}call {returned} %f(ptr %c{GuestSignature.Parameters(type, isTailFunction: false)})\n");
        Text.Append($"  ret {returned}{(returned == "void" ? "" : " %r")}\n}}\n");
    }
}
