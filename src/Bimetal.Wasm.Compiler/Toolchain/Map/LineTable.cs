// .debug_line: which offset in the module each piece of machine code comes from (DWARF 4, section 6.2).

namespace Bimetal.Wasm.Compiler.Toolchain.Map;

/// <summary>From this address on, code comes from this offset; 0 when it comes from nowhere in particular.</summary>
internal readonly record struct LineRow(ulong Address, uint Offset);

/// <summary>Runs line number programs.</summary>
internal static class LineTable
{
    private const ushort Version = 4;

    /// <summary>All rows, by ascending address.</summary>
    public static List<LineRow> Read(ReadOnlySpan<byte> section)
    {
        var rows = new List<LineRow>();
        var reader = new DwarfReader(section);
        while (!reader.IsAtEnd)
        {
            var unit = reader.Part((int)reader.U32());
            if (unit.U16() != Version) throw new ToolchainException("LLVM wrote a line table of another version than was asked for.");
            var header = unit.Part((int)unit.U32());
            Run(ref unit, ref header, rows);
        }

        // Stable, so that of several rows at one address the last one stays last.
        return [.. rows.OrderBy(row => row.Address)];
    }

    private static void Run(ref DwarfReader program, ref DwarfReader header, List<LineRow> rows)
    {
        byte minimumLength = header.U8();
        _ = header.U8() + header.U8();    // operations per instruction, whether rows are statements by default
        sbyte lineBase = (sbyte)header.U8();
        byte lineRange = header.U8(), opcodeBase = header.U8();
        ulong address = 0;
        long line = 1;
        while (!program.IsAtEnd)
        {
            byte opcode = program.U8();
            if (opcode >= opcodeBase)
            {
                int adjusted = opcode - opcodeBase;
                address += (ulong)(adjusted / lineRange * minimumLength);
                line += lineBase + (adjusted % lineRange);
                rows.Add(new LineRow(address, (uint)line));
                continue;
            }

            switch (opcode)
            {
                case 0: Extended(ref program, rows, ref address, ref line); break;
                case 1: rows.Add(new LineRow(address, (uint)line)); break;
                case 2: address += program.Unsigned() * minimumLength; break;
                case 3: line += program.Signed(); break;
                case 4 or 5 or 12: program.Unsigned(); break;    // file, column, instruction set
                case 8: address += (ulong)((255 - opcodeBase) / lineRange * minimumLength); break;
                case 9: address += program.U16(); break;
            }
        }
    }

    private static void Extended(ref DwarfReader program, List<LineRow> rows, ref ulong address, ref long line)
    {
        var operation = program.Part((int)program.Unsigned());
        switch (operation.U8())
        {
            case 1:
                rows.Add(new LineRow(address, 0));    // the end of a sequence: nothing is known from here on
                (address, line) = (0, 1);
                break;
            case 2:
                address = operation.U64();
                break;
        }
    }
}
