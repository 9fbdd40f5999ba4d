// Makes the code map of a linked image (Abi/CodeMap.cs) out of its symbols, line table and call frame information, and puts it behind
// the segments, in the place of everything that no loader reads.

using System.Buffers.Binary;
using Bimetal.Wasm.Abi;

namespace Bimetal.Wasm.Compiler.Toolchain.Map;

/// <summary>Writes code maps.</summary>
internal static class CodeMapWriter
{
    private const int SectionTableOffset = 40;
    private const int SectionTableCounts = 58;    // size, number and names of sections: three u16

    /// <summary>The image with its map.</summary>
    /// <param name="image">What the linker wrote, with symbols and debug sections.</param>
    /// <param name="options">Options of the compilation.</param>
    public static byte[] Append(byte[] image, CompileOptions options)
    {
        var elf = ElfImage.TryRead(image) ?? throw new ToolchainException("The linked image is not a readable ELF file.");
        byte[] map = Write(image, options.Target);
        ulong end = options.KeepSymbols ? (ulong)image.Length : elf.Segments.Where(segment => segment.Type == ElfSegment.Load).Max(segment => segment.Offset + segment.FileSize);
        ulong alignment = (ulong)(options.Target == TargetPlatform.LinuxArm64 ? CodeMap.AlignmentArm64 : CodeMap.AlignmentX64);
        ulong start = (end + alignment - 1) & ~(alignment - 1);
        byte[] result = new byte[start + (ulong)map.Length + CodeMap.TrailerSize];
        image.AsSpan(0, (int)end).CopyTo(result);
        map.CopyTo(result, (int)start);
        var trailer = result.AsSpan(result.Length - CodeMap.TrailerSize);
        BinaryPrimitives.WriteUInt64LittleEndian(trailer, start);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer[8..], (uint)map.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer[12..], CodeMap.Magic);
        if (!options.KeepSymbols)
        {
            result.AsSpan(SectionTableOffset, sizeof(ulong)).Clear();
            result.AsSpan(SectionTableCounts, 3 * sizeof(ushort)).Clear();
        }

        return result;
    }

    private static byte[] Write(ReadOnlySpan<byte> image, TargetPlatform target)
    {
        var sections = new ImageSections(image);
        var functions = sections.Functions();
        var lines = LineTable.Read(sections.Find(".debug_line"));
        var frames = FrameTable.Read(sections.Find(".debug_frame"), target);
        var bytes = new List<byte>();
        byte[] table = new byte[CodeMap.HeaderSize + (CodeMap.FunctionSize * functions.Count)];
        int line = 0;
        for (int index = 0; index < functions.Count; index++)
        {
            var function = functions[index];
            var (kind, ordinal, number) = Identify(function.Name);
            var row = table.AsSpan(CodeMap.HeaderSize + (CodeMap.FunctionSize * index), CodeMap.FunctionSize);
            Put(row, 0, (uint)function.Address);
            Put(row, 1, (uint)function.LengthBytes);
            Put(row, 2, ((uint)kind << CodeMap.KindShift) | ordinal);
            Put(row, 3, number);
            if (frames.TryGetValue(function.Address, out var frame)) Put(row, 4, AddFrames(bytes, frame, function, table.Length));
            if (kind == CodeKind.Function) Put(row, 5, AddLines(bytes, lines, ref line, function, table.Length));
        }

        Put(table, 0, CodeMap.Magic);
        Put(table, 1, (uint)functions.Count);
        Put(table, 2, (uint)(table.Length + bytes.Count));
        return [.. table, .. bytes];
    }

    private static uint AddFrames(List<byte> bytes, List<FrameRow> rows, CodeSymbol function, int tableLength)
    {
        uint offset = (uint)(tableLength + bytes.Count);
        AddUnsigned(bytes, (ulong)rows.Count);
        ulong address = function.Address;
        foreach (var row in rows)
        {
            AddUnsigned(bytes, row.Address - address);
            AddUnsigned(bytes, ((ulong)row.CfaOffset << 2) | (uint)row.Base);
            AddUnsigned(bytes, row.FramePointerSlot);
            AddUnsigned(bytes, row.ReturnAddressSlot);
            address = row.Address;
        }

        return offset;
    }

    // Rows that come from nowhere in particular are left out: the place before them stands.
    private static uint AddLines(List<byte> bytes, List<LineRow> lines, ref int next, CodeSymbol function, int tableLength)
    {
        while (next < lines.Count && lines[next].Address < function.Address) next++;
        var rows = new List<LineRow>();
        for (; next < lines.Count && lines[next].Address - function.Address < function.LengthBytes; next++)
        {
            var row = lines[next];
            if (row.Offset == 0) continue;
            if (rows.Count > 0 && rows[^1].Address == row.Address) rows.RemoveAt(rows.Count - 1);
            if (rows.Count == 0 || rows[^1].Offset != row.Offset) rows.Add(row);
        }

        if (rows.Count == 0) return 0;
        uint offset = (uint)(tableLength + bytes.Count);
        AddUnsigned(bytes, (ulong)rows.Count);
        var before = new LineRow(function.Address, 0);
        foreach (var row in rows)
        {
            int difference = (int)(row.Offset - before.Offset);
            AddUnsigned(bytes, row.Address - before.Address);
            AddUnsigned(bytes, (uint)((difference << 1) ^ (difference >> 31)));
            before = row;
        }

        return offset;
    }

    // Names are those of ModuleScope: m, the module's ordinal, what it is, its index. LLVM appends a suffix to copies that it makes.
    private static (CodeKind Kind, uint Ordinal, uint Index) Identify(string name)
    {
        int dot = name.IndexOf('.');
        var text = name.AsSpan(0, dot < 0 ? name.Length : dot);
        int at = text.IndexOfAny('f', 'h');
        if (at > 1 && text[0] == 'm' && uint.TryParse(text[1..at], out uint ordinal) && uint.TryParse(text[(at + 1)..], out uint index))
            return (text[at] == 'f' ? CodeKind.Function : CodeKind.Import, ordinal, index);
        return (CodeKind.Routine, 0, 0);
    }

    private static void Put(Span<byte> row, int word, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(row[(4 * word)..], value);

    private static void AddUnsigned(List<byte> bytes, ulong value)
    {
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
    }
}
