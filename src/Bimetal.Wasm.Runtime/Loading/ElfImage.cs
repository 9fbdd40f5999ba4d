// Reads the ELF container of a compiled image, strictly: what our own linker never writes is refused. Only bounds-checked reads of
// the given bytes; nothing is mapped here.

using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Bimetal.Wasm.Runtime;

/// <summary>The checked segments of an image. Addresses are those of the file; the runtime adds the place of its reservation.</summary>
internal readonly ref struct ElfImage
{
    private const int HeaderBytes = 64;
    private const int ProgramHeaderBytes = 56;
    private const int MaximumProgramHeaders = 32;
    private const ulong MaximumSpanBytes = 1UL << 31;
    private const uint Load = 1, Dynamic = 2, Interpreter = 3, ThreadLocal = 7;
    private const uint Executable = 1, Writable = 2;

    private readonly ReadOnlySpan<byte> _bytes;

    private ElfImage(ReadOnlySpan<byte> bytes, List<ElfSegment> segments, ulong entry)
    {
        _bytes = bytes;
        Segments = segments;
        Entry = entry;
    }

    /// <summary>Loadable segments, ascending, without overlap of pages.</summary>
    public List<ElfSegment> Segments { get; }

    /// <summary>Address of the root of the code image.</summary>
    public ulong Entry { get; }

    /// <summary>Bytes to reserve: the end of the last segment, in whole pages.</summary>
    public ulong SpanBytes => PageEnd(Segments[^1].Address + Segments[^1].MemoryBytes);

    public static ElfImage Parse(ReadOnlySpan<byte> bytes)
    {
        CheckHeader(bytes);
        ulong tableOffset = U64(bytes, 32);
        int count = U16(bytes, 56);
        Require(U16(bytes, 54) == ProgramHeaderBytes && count is > 0 and <= MaximumProgramHeaders, "program header table");
        Require(tableOffset <= (ulong)bytes.Length && (ulong)bytes.Length - tableOffset >= (ulong)(count * ProgramHeaderBytes), "program header table");

        var segments = new List<ElfSegment>();
        for (int index = 0; index < count; index++)
        {
            var header = bytes.Slice((int)tableOffset + (index * ProgramHeaderBytes), ProgramHeaderBytes);
            uint type = U32(header, 0);
            Require(type is not (Interpreter or ThreadLocal), "it asks for an interpreter or thread-local storage");
            if (type == Load) segments.Add(ReadSegment(header, bytes.Length, segments));
            if (type == Dynamic) CheckDynamic(bytes, U64(header, 8), U64(header, 32));
        }

        Require(segments.Count > 0, "it has no segments");
        return new ElfImage(bytes, segments, U64(bytes, 24));
    }

    /// <summary>The file's bytes at an address; throws when they are not all part of one segment.</summary>
    public ReadOnlySpan<byte> At(ulong address, ulong lengthBytes)
    {
        foreach (var segment in Segments)
        {
            if (address < segment.Address || address - segment.Address > segment.FileBytes) continue;
            ulong offset = address - segment.Address;
            if (segment.FileBytes - offset >= lengthBytes) return _bytes.Slice((int)(segment.FileOffset + offset), (int)lengthBytes);
        }

        throw Malformed("a table lies outside of its segments");
    }

    public bool IsExecutable(ulong address)
    {
        foreach (var segment in Segments)
        {
            if (segment.IsExecutable && address >= segment.Address && address - segment.Address < segment.FileBytes) return true;
        }

        return false;
    }

    public static CodeImageException Malformed(string what) =>
        new($"The compiled image is malformed: {what}. Delete it from the code cache and compile the module again.");

    public static ulong PageStart(ulong address) => address & ~((ulong)Environment.SystemPageSize - 1);

    public static ulong PageEnd(ulong address) => PageStart(address + (ulong)Environment.SystemPageSize - 1);

    private static void CheckHeader(ReadOnlySpan<byte> bytes)
    {
        Require(bytes.Length >= HeaderBytes && bytes[..7].SequenceEqual("\u007fELF\u0002\u0001\u0001"u8), "it is not a 64-bit little-endian ELF file");
        Require(U16(bytes, 16) == 3, "it is not a shared object");
        uint machine = U16(bytes, 18);
        uint expected = RuntimeInformation.ProcessArchitecture switch { Architecture.X64 => 62, Architecture.Arm64 => 183, _ => 0 };
        if (machine == expected) return;
        throw new CodeImageException($"The compiled image is for another processor (ELF machine {machine}, this one is {expected}). Compile the module for this platform.");
    }

    private static ElfSegment ReadSegment(ReadOnlySpan<byte> header, int imageLength, List<ElfSegment> earlier)
    {
        uint flags = U32(header, 4);
        var segment = new ElfSegment(U64(header, 16), U64(header, 8), U64(header, 32), U64(header, 40), (flags & Executable) != 0);
        Require((flags & (Executable | Writable)) != (Executable | Writable), "a segment is writable and executable");
        Require(segment.FileOffset <= (ulong)imageLength && (ulong)imageLength - segment.FileOffset >= segment.FileBytes, "a segment ends past the file");
        Require(segment.MemoryBytes >= segment.FileBytes && segment.MemoryBytes <= MaximumSpanBytes, "a segment's size");
        Require(segment.Address <= MaximumSpanBytes - segment.MemoryBytes, "a segment's address");
        Require(segment.Address - PageStart(segment.Address) == segment.FileOffset - PageStart(segment.FileOffset), "a segment's alignment");
        Require(earlier.Count == 0 || PageStart(segment.Address) >= PageEnd(earlier[^1].Address + earlier[^1].MemoryBytes), "segments overlap");
        return segment;
    }

    // Everything that a dynamic linker would have to do, the runtime does not do.
    private static void CheckDynamic(ReadOnlySpan<byte> bytes, ulong offset, ulong lengthBytes)
    {
        Require(offset <= (ulong)bytes.Length && (ulong)bytes.Length - offset >= lengthBytes, "its dynamic section");
        var section = bytes.Slice((int)offset, (int)lengthBytes);
        for (int at = 0; at + 16 <= section.Length; at += 16)
        {
            ulong tag = U64(section, at);
            // DT_NEEDED, RELA, INIT, FINI, REL, TEXTREL, JMPREL, INIT_ARRAY, FINI_ARRAY, PREINIT_ARRAY, RELR
            Require(tag is not (1 or 7 or 12 or 13 or 17 or 22 or 23 or 25 or 26 or 32 or 36), $"it wants dynamic linking (tag {tag})");
        }
    }

    private static void Require(bool condition, string what)
    {
        if (!condition) throw Malformed(what);
    }

    private static ushort U16(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[offset..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]);
}

/// <summary>One PT_LOAD.</summary>
internal readonly record struct ElfSegment(ulong Address, ulong FileOffset, ulong FileBytes, ulong MemoryBytes, bool IsExecutable);
