// A generated module as data, and its binary. Index spaces as in the specification: imports first.

using Bimetal.Wasm.Modules;

namespace Bimetal.Fuzz.Model;

/// <summary>A function of a generated module.</summary>
internal sealed class FuzzFunction(FunctionType type)
{
    internal FunctionType Type { get; } = type;

    internal string? Export { get; init; }

    /// <summary>Types of the locals behind the parameters.</summary>
    internal List<ValueType> Locals { get; } = [];

    /// <summary>Statements, then one expression for each result.</summary>
    internal List<Node> Body { get; } = [];
}

/// <summary>An import; its name tells the hosts on both sides what to make.</summary>
internal sealed record FuzzImport(string Name, ExternalKind Kind, byte[] Description);

/// <summary>A table.</summary>
/// <param name="ElementType">Type of its elements.</param>
/// <param name="Minimum">Its size at first.</param>
/// <param name="Maximum">Its greatest size.</param>
/// <param name="IsWritten">Whether instructions may write to it; the compiler knows more of one that none writes to.</param>
internal sealed record FuzzTable(ValueType ElementType, uint Minimum, uint Maximum, bool IsWritten);

/// <summary>A global of the module's own; the initialiser is a constant expression without its end.</summary>
internal sealed record FuzzGlobal(GlobalType Type, byte[] Initializer);

/// <summary>A data segment; an offset makes it active.</summary>
internal sealed record FuzzData(byte[]? Offset, byte[] Bytes);

/// <summary>An element segment; an offset makes it active. Items are function indices, or null references.</summary>
internal sealed record FuzzElements(uint Table, byte[]? Offset, ValueType Type, IReadOnlyList<uint?> Items);

/// <summary>A generated module and the calls that are made into it.</summary>
internal sealed class FuzzModule
{
    internal List<FunctionType> Types { get; } = [];

    internal List<FuzzImport> Imports { get; } = [];

    internal List<FuzzFunction> Functions { get; } = [];

    /// <summary>Types of the imported functions, by their index.</summary>
    internal List<FunctionType> ImportedFunctions { get; } = [];

    /// <summary>Types of all globals, imported ones first.</summary>
    internal List<GlobalType> GlobalTypes { get; } = [];

    internal List<FuzzGlobal> Globals { get; } = [];

    internal List<FuzzTable> Tables { get; } = [];

    /// <summary>Pages of the memory at first and at most, imported or not; null without one.</summary>
    internal (uint Minimum, uint Maximum)? Memory { get; set; }

    internal bool IsMemoryImported { get; set; }

    internal List<FuzzData> Data { get; } = [];

    internal List<FuzzElements> Elements { get; } = [];

    internal uint? Start { get; set; }

    internal List<FuzzCall> Calls { get; } = [];

    internal FunctionType TypeOf(int function) =>
        function < ImportedFunctions.Count ? ImportedFunctions[function] : Functions[function - ImportedFunctions.Count].Type;

    internal uint TypeIndex(FunctionType type)
    {
        int known = Types.IndexOf(type);
        if (known >= 0) return (uint)known;
        Types.Add(type);
        return (uint)Types.Count - 1;
    }

    internal byte[] Encode()
    {
        // Bodies first: nothing in them adds types any more, but the tables of functions do.
        foreach (var function in Functions) TypeIndex(function.Type);
        var writer = new WasmWriter().Bytes([0, .. "asm"u8, 1, 0, 0, 0]);
        writer.Section(1, Types, (section, type) => section.Byte(0x60).Types(type.Parameters).Types(type.Results));
        writer.Section(2, Imports, (section, import) => section.Name("env").Name(import.Name).Byte((byte)import.Kind).Bytes(import.Description));
        writer.Section(3, Functions, (section, function) => section.Unsigned(TypeIndex(function.Type)));
        writer.Section(4, Tables, (section, table) => section.Type(table.ElementType).Byte(1).Unsigned(table.Minimum).Unsigned(table.Maximum));
        if (Memory is { } memory && !IsMemoryImported) writer.Section(5, [memory], (section, limits) => section.Byte(1).Unsigned(limits.Minimum).Unsigned(limits.Maximum));
        writer.Section(6, Globals, (section, global) =>
            section.Type(global.Type.ValueType).Byte(global.Type.IsMutable ? (byte)1 : (byte)0).Bytes(global.Initializer).Byte(0x0B));
        writer.Section(7, Exports(), (section, export) => section.Name(export.Name).Byte((byte)export.Kind).Unsigned(export.Index));
        if (Start is { } start) writer.Section(8, new WasmWriter().Unsigned(start));
        writer.Section(9, Elements, WriteElements);
        writer.Section(12, new WasmWriter().Unsigned((ulong)Data.Count));
        writer.Section(10, Functions, WriteFunction);
        writer.Section(11, Data, WriteData);
        return writer.ToArray();
    }

    private List<(string Name, ExternalKind Kind, uint Index)> Exports()
    {
        var exports = new List<(string Name, ExternalKind Kind, uint Index)>();
        for (int index = 0; index < Functions.Count; index++)
        {
            if (Functions[index].Export is { } name) exports.Add((name, ExternalKind.Function, (uint)(ImportedFunctions.Count + index)));
        }

        if (Memory is not null) exports.Add(("memory", ExternalKind.Memory, 0));
        return exports;
    }

    private static void WriteElements(WasmWriter section, FuzzElements segment)
    {
        section.Byte((byte)(segment.Offset is null ? 5 : 6));
        if (segment.Offset is not null) section.Unsigned(segment.Table).Bytes(segment.Offset).Byte(0x0B);
        section.Type(segment.Type).Vector(segment.Items, (writer, item) =>
        {
            if (item is { } function) writer.Byte(0xD2).Unsigned(function);
            else writer.Byte(0xD0).Type(segment.Type);
            writer.Byte(0x0B);
        });
    }

    private static void WriteData(WasmWriter section, FuzzData segment)
    {
        section.Byte((byte)(segment.Offset is null ? 1 : 0));
        if (segment.Offset is not null) section.Bytes(segment.Offset).Byte(0x0B);
        section.Unsigned((ulong)segment.Bytes.Length).Bytes(segment.Bytes);
    }

    private static void WriteFunction(WasmWriter section, FuzzFunction function)
    {
        var code = new WasmWriter().Vector(function.Locals, (writer, type) => writer.Unsigned(1).Type(type));
        foreach (var node in function.Body) node.WriteTo(code);
        section.Sized(code.Byte(0x0B));
    }
}
