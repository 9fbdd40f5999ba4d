// Reads the code map of an image (Abi/CodeMap.cs): which function of which module a piece of machine code belongs to, and which
// instruction it comes from. The frames in it are read by native/shim/trace.c.

using System.Buffers.Binary;
using Bimetal.Wasm.Abi;

namespace Bimetal.Wasm.Runtime;

/// <summary>A function of machine code.</summary>
/// <param name="Start">Address in the image.</param>
/// <param name="LengthBytes">Bytes of its code.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Ordinal">The module in the image.</param>
/// <param name="Index">Index in that module's functions; meaningless for routines.</param>
/// <param name="Lines">Where its lines begin in the map; 0 without.</param>
internal readonly record struct CodeFunction(uint Start, uint LengthBytes, CodeKind Kind, int Ordinal, uint Index, uint Lines);

/// <summary>The code map of a mapped image.</summary>
internal readonly unsafe struct GuestCodeMap
{
    private readonly byte* _address;
    private readonly int _lengthBytes;

    // SAFETY: the bytes stay mapped, read-only, as long as the code mapping that made this; whoever reads holds a reference to it.
    public GuestCodeMap(byte* address, int lengthBytes)
    {
        _address = address;
        _lengthBytes = lengthBytes;
    }

    public bool IsEmpty => _lengthBytes == 0;

    public int FunctionCount => IsEmpty ? 0 : (int)Math.Min(U32(4), (uint)(_lengthBytes - CodeMap.HeaderSize) / CodeMap.FunctionSize);

    private ReadOnlySpan<byte> Bytes => new(_address, _lengthBytes);

    /// <summary>Where the map is in an image: file offset and length. Zero when it has none that can be mapped.</summary>
    public static (ulong Offset, int LengthBytes) Find(ReadOnlySpan<byte> image)
    {
        if (image.Length < CodeMap.TrailerSize) return default;
        var trailer = image[^CodeMap.TrailerSize..];
        ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(trailer), length = BinaryPrimitives.ReadUInt32LittleEndian(trailer[8..]);
        bool isMap = BinaryPrimitives.ReadUInt32LittleEndian(trailer[12..]) == CodeMap.Magic && length >= CodeMap.HeaderSize && length < int.MaxValue
            && offset == ElfImage.PageStart(offset) && offset <= (ulong)image.Length && (ulong)image.Length - offset >= length;
        return isMap ? (offset, (int)length) : default;
    }

    public CodeFunction Function(int index)
    {
        int at = CodeMap.HeaderSize + (index * CodeMap.FunctionSize);
        uint owner = U32(at + 8);
        return new CodeFunction(U32(at), U32(at + 4), (CodeKind)(owner >> CodeMap.KindShift), (int)(owner & ((1 << CodeMap.KindShift) - 1)), U32(at + 12), U32(at + 20));
    }

    /// <summary>The function that an address of the image lies in.</summary>
    public CodeFunction? FunctionAt(uint address)
    {
        int low = 0, high = FunctionCount;
        while (low < high)
        {
            int middle = low + ((high - low) / 2);
            if (Function(middle).Start <= address) low = middle + 1;
            else high = middle;
        }

        if (low == 0) return null;
        var function = Function(low - 1);
        return address - function.Start < function.LengthBytes ? function : null;
    }

    /// <summary>Offset in the module of the instruction that code at an address comes from; 0 when that is not known.</summary>
    public uint OffsetAt(in CodeFunction function, uint address)
    {
        if (function.Lines == 0 || function.Lines >= (uint)_lengthBytes) return 0;
        int at = (int)function.Lines;
        ulong count = Unsigned(ref at);
        uint start = function.Start, offset = 0, found = 0;
        for (ulong row = 0; row < count && at < _lengthBytes; row++)
        {
            start += (uint)Unsigned(ref at);
            uint zigzag = (uint)Unsigned(ref at);
            if (start > address) break;
            offset += (zigzag >> 1) ^ (uint)-(int)(zigzag & 1);
            found = offset;
        }

        return found;
    }

    private uint U32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes[offset..]);

    private ulong Unsigned(ref int at)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64 && at < _lengthBytes; shift += 7)
        {
            byte next = Bytes[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) break;
        }

        return value;
    }
}
