// Sections of a linked image: what a loader ignores and the code map is made of.

using System.Buffers.Binary;
using System.Text;

namespace Bimetal.Wasm.Compiler.Toolchain.Map;

/// <summary>A function of machine code by its symbol.</summary>
internal readonly record struct CodeSymbol(ulong Address, ulong LengthBytes, string Name);

/// <summary>Reads sections of an ELF file that our linker wrote.</summary>
internal readonly ref struct ImageSections(ReadOnlySpan<byte> bytes)
{
    private const int SectionHeaderBytes = 64;
    private const int SymbolBytes = 24;
    private const int FunctionSymbol = 2;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>The bytes of a section; empty when there is none of that name.</summary>
    public ReadOnlySpan<byte> Find(string name)
    {
        for (int index = 0; index < Count; index++)
        {
            if (NameAt(index) != name) continue;
            var header = Header(index);
            return _bytes.Slice((int)U64(header, 24), (int)U64(header, 32));
        }

        return [];
    }

    /// <summary>Symbols of functions, by ascending address.</summary>
    public List<CodeSymbol> Functions()
    {
        var table = Find(".symtab");
        var texts = Find(".strtab");
        var functions = new List<CodeSymbol>();
        for (int at = 0; at + SymbolBytes <= table.Length; at += SymbolBytes)
        {
            var symbol = table.Slice(at, SymbolBytes);
            if ((symbol[4] & 0xF) == FunctionSymbol && U64(symbol, 16) != 0) functions.Add(new CodeSymbol(U64(symbol, 8), U64(symbol, 16), TextAt(texts, (int)U32(symbol, 0))));
        }

        functions.Sort((left, right) => left.Address.CompareTo(right.Address));
        return functions;
    }

    private int Count => BinaryPrimitives.ReadUInt16LittleEndian(_bytes[60..]);

    private string NameAt(int index)
    {
        var names = Header(BinaryPrimitives.ReadUInt16LittleEndian(_bytes[62..]));
        return TextAt(_bytes.Slice((int)U64(names, 24), (int)U64(names, 32)), (int)U32(Header(index), 0));
    }

    private ReadOnlySpan<byte> Header(int index) => _bytes.Slice((int)U64(_bytes, 40) + (index * SectionHeaderBytes), SectionHeaderBytes);

    private static string TextAt(ReadOnlySpan<byte> texts, int offset)
    {
        var text = texts[offset..];
        return Encoding.ASCII.GetString(text[..text.IndexOf((byte)0)]);
    }

    private static uint U32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]);
}
