// How the runtime calls guest code: one function per type, `void entry(context, code, u64* buffer)`, that moves arguments and results
// between the buffer and the C calling convention. Equal types share one, across all modules of an image.

using System.Text;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit.Call;

/// <summary>The entry trampolines of an image.</summary>
internal sealed class EntryTrampolines(EmissionBudget budget)
{
    private readonly Dictionary<FunctionType, string> _names = [];

    /// <summary>Text of all definitions so far.</summary>
    public StringBuilder Text { get; } = new();

    /// <summary>Symbol of the trampoline for a type, written at first use.</summary>
    public string NameFor(FunctionType type)
    {
        if (_names.TryGetValue(type, out string? name)) return name;
        name = $"e{_names.Count}";
        _names.Add(type, name);
        int before = Text.Length;
        Write(name, type);
        budget.Spend(Text.Length - before);
        return name;
    }

    private void Write(string name, FunctionType type)
    {
        string[] parameters = BufferSlots.LlvmTypesOf(type.Parameters);
        string[] results = BufferSlots.LlvmTypesOf(type.Results);
        string returned = GuestSignature.Returned(type);
        bool isInMemory = GuestSignature.ReturnsInMemory(type);
        string arguments = (isInMemory ? ", ptr %b" : "") + string.Concat(parameters.Select((parameter, index) => $", {parameter} %a{index}"));
        // Without a result nothing is left to do behind the call, so that it can be a jump.
        bool isLast = results.Length == 0;
        Text.Append($"define hidden void @{name}(ptr %c, ptr %f, ptr %b) {(isLast ? "#6" : "#0")} {{\n");
        BufferSlots.Load(Text, parameters, "a");
        Text.Append($"  {(returned == "void" ? "" : "%r = ")}{(isLast ? "tail " : "")}call {returned} %f(ptr %c{arguments})\n");
        if (isInMemory) BufferSlots.Widen(Text, results);
        else StoreRegisters(results, returned);
        Text.Append("  ret void\n}\n");
    }

    private void StoreRegisters(string[] results, string returned)
    {
        if (results.Length > 1)
        {
            for (int i = 0; i < results.Length; i++) Text.Append($"  %r{i} = extractvalue {returned} %r, {i}\n");
        }

        BufferSlots.Store(Text, results, index => results.Length == 1 ? "%r" : $"%r{index}");
    }
}
