// A reader of the few ELF structures that an image has: 64-bit little-endian header, program headers, dynamic section.

using System.Buffers.Binary;

namespace Bimetal.Wasm.Compiler.Toolchain;

/// <summary>A program header.</summary>
internal readonly record struct ElfSegment(uint Type, uint Flags, ulong Offset, ulong Address, ulong FileSize, ulong MemorySize, ulong Alignment)
{
    public const uint Load = 1;
    public const uint Dynamic = 2;
    public const uint Interpreter = 3;
    public const uint ThreadLocal = 7;

    public bool IsExecutable => (Flags & 1) != 0;

    public bool IsWritable => (Flags & 2) != 0;
}

/// <summary>Structures of an ELF file.</summary>
internal sealed class ElfImage
{
    private const int HeaderBytes = 64;
    private const int ProgramHeaderBytes = 56;
    private const int DynamicEntryBytes = 16;

    private readonly ReadOnlyMemory<byte> _bytes;

    private ElfImage(ReadOnlyMemory<byte> bytes)
    {
        _bytes = bytes;
        Segments = [];
    }

    public ushort Type => U16(16);

    public ushort Machine => U16(18);

    public ulong Entry => U64(24);

    public IReadOnlyList<ElfSegment> Segments { get; private init; }

    /// <summary>Tags and values of the dynamic section up to the terminator; empty when there is none.</summary>
    public IReadOnlyList<(ulong Tag, ulong Value)> DynamicEntries { get; private init; } = [];

    /// <summary>Reads a file; null when it is no 64-bit little-endian ELF file or points outside of itself.</summary>
    public static ElfImage? TryRead(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length < HeaderBytes || !bytes.Span[..6].SequenceEqual("\u007FELF\u0002\u0001"u8)) return null;
        var plain = new ElfImage(bytes);
        ulong start = plain.U64(32);
        int count = plain.U16(56);
        if (plain.U16(54) != ProgramHeaderBytes || !plain.Holds(start, (ulong)(count * ProgramHeaderBytes))) return null;
        var segments = new List<ElfSegment>(count);
        for (int index = 0; index < count; index++) segments.Add(plain.ReadSegment((int)start + (index * ProgramHeaderBytes)));
        if (!segments.TrueForAll(segment => plain.Holds(segment.Offset, segment.FileSize))) return null;
        return new ElfImage(bytes) { Segments = segments, DynamicEntries = plain.ReadDynamic(segments) };
    }

    /// <summary>File offset of a loaded address, or null when no segment holds <paramref name="length"/> bytes there.</summary>
    public int? OffsetOf(ulong address, ulong length)
    {
        foreach (var segment in Segments)
        {
            bool isInside = segment.Type == ElfSegment.Load && address >= segment.Address && address - segment.Address < segment.FileSize;
            if (isInside && segment.FileSize - (address - segment.Address) >= length) return (int)(segment.Offset + (address - segment.Address));
        }

        return null;
    }

    public uint U32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(_bytes.Span[offset..]);

    private ElfSegment ReadSegment(int at) =>
        new(U32(at), U32(at + 4), U64(at + 8), U64(at + 16), U64(at + 32), U64(at + 40), U64(at + 48));

    private List<(ulong Tag, ulong Value)> ReadDynamic(List<ElfSegment> segments)
    {
        var entries = new List<(ulong Tag, ulong Value)>();
        foreach (var segment in segments.Where(segment => segment.Type == ElfSegment.Dynamic))
        {
            for (ulong done = 0; done + DynamicEntryBytes <= segment.FileSize; done += DynamicEntryBytes)
            {
                int at = (int)(segment.Offset + done);
                if (U64(at) == 0) break;
                entries.Add((U64(at), U64(at + 8)));
            }
        }

        return entries;
    }

    private bool Holds(ulong offset, ulong length) => offset <= (ulong)_bytes.Length && length <= (ulong)_bytes.Length - offset;

    private ushort U16(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(_bytes.Span[offset..]);

    private ulong U64(int offset) => BinaryPrimitives.ReadUInt64LittleEndian(_bytes.Span[offset..]);
}
