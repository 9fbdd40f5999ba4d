// The argument buffer between compiled code and the runtime (CodeImage.cs): one 64-bit slot for each value, two for a v128. Whoever
// writes a slot writes all of it; i32 and float are zero-extended.

using System.Collections.Immutable;
using System.Text;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit.Call;

/// <summary>Writes the IR that moves values between a buffer and IR names.</summary>
internal static class BufferSlots
{
    private const int SlotBytes = 8;

    /// <summary>Stores named values to the buffer <c>%b</c> from slot 0 on.</summary>
    /// <param name="text">Receives the lines.</param>
    /// <param name="types">LLVM types of the values.</param>
    /// <param name="nameOf">Name of each value, with its sigil.</param>
    public static void Store(StringBuilder text, IReadOnlyList<string> types, Func<int, string> nameOf)
    {
        int offset = 0;
        for (int i = 0; i < types.Count; i++)
        {
            var (type, name) = Widen(text, types[i], nameOf(i), $"%w{i}");
            text.Append($"  %q{i} = getelementptr i8, ptr %b, i64 {offset}\n  store {type} {name}, ptr %q{i}, align 8\n");
            offset += SlotsOf(types[i]) * SlotBytes;
        }
    }

    /// <summary>Loads values from the buffer <c>%b</c> from slot 0 on into names <c>%{prefix}N</c>.</summary>
    public static void Load(StringBuilder text, IReadOnlyList<string> types, string prefix)
    {
        int offset = 0;
        for (int i = 0; i < types.Count; i++)
        {
            text.Append($"  %o{i} = getelementptr i8, ptr %b, i64 {offset}\n  %{prefix}{i} = load {types[i]}, ptr %o{i}, align 8\n");
            offset += SlotsOf(types[i]) * SlotBytes;
        }
    }

    /// <summary>Stores results to the area <c>%rp</c>; each takes its slot's first bytes.</summary>
    public static void StoreResults(StringBuilder text, IReadOnlyList<string> types, Func<int, string> nameOf)
    {
        int offset = 0;
        for (int i = 0; i < types.Count; i++)
        {
            text.Append($"  %y{i} = getelementptr i8, ptr {GuestSignature.ResultArea}, i64 {offset}\n  store {types[i]} {nameOf(i)}, ptr %y{i}, align 8, {Metadata.Results}\n");
            offset += SlotsOf(types[i]) * SlotBytes;
        }
    }

    /// <summary>Bytes that a value takes in a buffer or in an area for results.</summary>
    public static int BytesOf(ValueType type) => type.SlotCount() * SlotBytes;

    /// <summary>Fills the upper halves of the slots of <c>%b</c> that hold values of 32 bits.</summary>
    public static void Widen(StringBuilder text, IReadOnlyList<string> types)
    {
        int offset = 0;
        for (int i = 0; i < types.Count; i++)
        {
            if (types[i] is "i32" or "float")
                text.Append($"  %q{i} = getelementptr i8, ptr %b, i64 {offset}\n  %n{i} = load i32, ptr %q{i}, align 8\n  %w{i} = zext i32 %n{i} to i64\n  store i64 %w{i}, ptr %q{i}, align 8\n");
            offset += SlotsOf(types[i]) * SlotBytes;
        }
    }

    public static int Count(IEnumerable<string> types) => types.Sum(SlotsOf);

    public static string[] LlvmTypesOf(ImmutableArray<ValueType> types) => [.. types.Select(LlvmTypes.Of)];

    private static int SlotsOf(string type) => type == "<2 x i64>" ? 2 : 1;

    private static (string Type, string Name) Widen(StringBuilder text, string type, string name, string temporary)
    {
        switch (type)
        {
            case "i32":
                text.Append($"  {temporary} = zext i32 {name} to i64\n");
                return ("i64", temporary);
            case "float":
                text.Append($"  {temporary}i = bitcast float {name} to i32\n  {temporary} = zext i32 {temporary}i to i64\n");
                return ("i64", temporary);
            default:
                return (type, name);
        }
    }
}
