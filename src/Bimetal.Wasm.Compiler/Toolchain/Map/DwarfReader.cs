// A cursor over a section of DWARF, as LLVM writes it: 32-bit DWARF 4, little-endian. What it cannot read throws: the sections come from
// our own run of clang, so that would be a bug or another LLVM.

using System.Buffers.Binary;

namespace Bimetal.Wasm.Compiler.Toolchain.Map;

/// <summary>Reads numbers of a section.</summary>
internal ref struct DwarfReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public int Position { get; set; }

    public readonly bool IsAtEnd => Position >= _bytes.Length;

    /// <summary>The next bytes as a section of their own.</summary>
    public DwarfReader Part(int lengthBytes)
    {
        var part = new DwarfReader(_bytes.Slice(Position, lengthBytes));
        Position += lengthBytes;
        return part;
    }

    public byte U8() => _bytes[Position++];

    public ushort U16() => BinaryPrimitives.ReadUInt16LittleEndian(Part(2)._bytes);

    public uint U32() => BinaryPrimitives.ReadUInt32LittleEndian(Part(4)._bytes);

    public ulong U64() => BinaryPrimitives.ReadUInt64LittleEndian(Part(8)._bytes);

    public ulong Unsigned()
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = U8();
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }
    }

    public long Signed()
    {
        long value = 0;
        int shift = 0;
        byte next;
        do
        {
            next = U8();
            value |= (long)(next & 0x7F) << shift;
            shift += 7;
        }
        while (next >= 0x80);
        return shift < 64 && (next & 0x40) != 0 ? value | (-1L << shift) : value;
    }

    public void SkipText()
    {
        while (U8() != 0)
        {
        }
    }
}
