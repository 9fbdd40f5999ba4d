// One function of a guest's backtrace.

using System.Globalization;
using System.Text;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

/// <summary>Where a guest was in one of its functions.</summary>
/// <param name="FunctionIndex">Index in the module.</param>
/// <param name="Name">From the module's name section, its imports or its exports; null when it has none. Safe to print.</param>
/// <param name="Offset">Offset in the module of the instruction; null when that is not known. For a caller it is the call.</param>
public readonly record struct TrapFrame(uint FunctionIndex, string? Name, uint? Offset)
{
    private const int MaximumNameLength = 160;

    public override string ToString()
    {
        string function = Name is null ? string.Create(CultureInfo.InvariantCulture, $"function {FunctionIndex}") : Name;
        return Offset is { } offset ? string.Create(CultureInfo.InvariantCulture, $"{function} at 0x{offset:x}") : function;
    }

    /// <summary>The name of a function for people; null when the module does not tell.</summary>
    internal static string? NameOf(WasmModule module, uint index)
    {
        if (module.FunctionNames.TryGetValue(index, out string? name) && name.Length > 0) return Clean(name);
        if (index < (uint)module.ImportedFunctionCount)
        {
            var import = module.Imports.Where(import => import.Kind == ExternalKind.Function).ElementAt((int)index);
            return Clean($"{import.Module}.{import.Name}");
        }

        return module.Exports.FirstOrDefault(export => export.Kind == ExternalKind.Function && export.Index == index) is { } known ? Clean(known.Name) : null;
    }

    internal static TrapFrame Of(WasmModule module, uint index, uint? offset) => new(index, NameOf(module, index), offset);

    // Names are the guest's: they go to logs, so nothing of them may look like the end of a line or like a control sequence.
    private static string Clean(string name)
    {
        var text = new StringBuilder();
        foreach (char character in name.AsSpan(0, Math.Min(name.Length, MaximumNameLength)))
            text.Append(char.IsControl(character) || char.IsSurrogate(character) || character is '\u2028' or '\u2029' || char.GetUnicodeCategory(character) == UnicodeCategory.Format ? '?' : character);
        if (name.Length > MaximumNameLength) text.Append('…');
        return text.ToString();
    }
}
