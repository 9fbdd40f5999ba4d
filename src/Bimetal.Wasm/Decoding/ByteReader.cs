// Reads the primitive values of the binary format (core specification 5.1-5.2) from a range of a module. The first fault sticks:
// afterwards every read returns zero without moving, so that callers check once per construct instead of once per byte.

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Decoding;

/// <summary>A cursor over a range of a module's bytes. Offsets count from the start of the module.</summary>
public ref struct ByteReader
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // From the start of the module to the end of the range, so that the position is the module offset and the span bounds it.
    private readonly ReadOnlySpan<byte> _bytes;

    /// <param name="moduleBytes">The whole module.</param>
    /// <param name="offset">First byte of the range; the range must lie in the module.</param>
    /// <param name="length">Bytes of the range.</param>
    public ByteReader(ReadOnlySpan<byte> moduleBytes, int offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        _bytes = moduleBytes[..checked(offset + length)];
        Offset = offset;
    }

    /// <summary>Offset of the next byte.</summary>
    public int Offset { get; private set; }

    /// <summary>Offset behind the last byte of the range.</summary>
    public readonly int End => _bytes.Length;

    public readonly int Remaining => _bytes.Length - Offset;

    public readonly bool IsAtEnd => Offset == _bytes.Length;

    /// <summary>The first fault, or null.</summary>
    public WasmError? Error { get; private set; }

    public readonly bool HasFailed => Error is not null;

    /// <summary>Records a fault unless there is one, and moves to the end.</summary>
    public void Fail(int offset, string message)
    {
        Error ??= new WasmError(offset, message);
        Offset = _bytes.Length;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte ReadByte()
    {
        if ((uint)Offset < (uint)_bytes.Length) return _bytes[Offset++];
        Fail(Offset, Malformed.UnexpectedEnd);
        return 0;
    }

    /// <summary>The next byte without moving, or -1 at the end.</summary>
    public readonly int PeekByte() => (uint)Offset < (uint)_bytes.Length ? _bytes[Offset] : -1;

    /// <summary>A byte that the specification reserves: it must be zero itself, not a longer encoding of zero.</summary>
    public void ReadZeroByte()
    {
        int offset = Offset;
        if (ReadByte() != 0) Fail(offset, Malformed.ZeroByte);
    }

    public void Skip(int byteCount) => _ = ReadBytes(byteCount);

    public ReadOnlySpan<byte> ReadBytes(int byteCount)
    {
        if ((uint)byteCount > (uint)Remaining)
        {
            Fail(_bytes.Length, Malformed.UnexpectedEnd);
            return default;
        }

        var bytes = _bytes.Slice(Offset, byteCount);
        Offset += byteCount;
        return bytes;
    }

    /// <summary>Four bytes, least significant first (a float's bits).</summary>
    public uint ReadFixed32() => ReadBytes(4) is { Length: 4 } bytes ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;

    /// <summary>Eight bytes, least significant first (a float's bits).</summary>
    public ulong ReadFixed64() => ReadBytes(8) is { Length: 8 } bytes ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : 0;

    /// <summary>Sixteen bytes, least significant first.</summary>
    public UInt128 ReadFixed128() => ReadBytes(16) is { Length: 16 } bytes ? BinaryPrimitives.ReadUInt128LittleEndian(bytes) : 0;

    /// <summary>An unsigned LEB128 number of at most 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint ReadUInt32()
    {
        if ((uint)Offset < (uint)_bytes.Length && _bytes[Offset] < 0x80) return _bytes[Offset++];
        return (uint)ReadUnsigned(32);
    }

    /// <summary>A signed LEB128 number of at most 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int ReadInt32() => (int)ReadSigned(32);

    /// <summary>A signed LEB128 number of at most 33 bits: the index form of a block type.</summary>
    public long ReadInt33() => ReadSigned(33);

    /// <summary>A signed LEB128 number of at most 64 bits.</summary>
    public long ReadInt64() => ReadSigned(64);

    /// <summary>A flag or kind of <paramref name="bitCount"/> bits in LEB128.</summary>
    public uint ReadSmallUnsigned(int bitCount) => (uint)ReadUnsigned(bitCount);

    /// <summary>A type form of <paramref name="bitCount"/> bits in signed LEB128.</summary>
    public int ReadSmallSigned(int bitCount) => (int)ReadSigned(bitCount);

    /// <summary>
    /// The length of a vector. Every element takes at least one byte, so a count above the remaining bytes is refused here, before
    /// anything is allocated by it.
    /// </summary>
    public int ReadCount()
    {
        int offset = Offset;
        uint count = ReadUInt32();
        if (count <= (uint)Remaining) return (int)count;
        Fail(offset, Malformed.LengthOutOfBounds);
        return 0;
    }

    /// <summary>A name: a length and so many bytes of UTF-8.</summary>
    public string ReadName()
    {
        int offset = Offset;
        var bytes = ReadBytes(ReadCount());
        if (HasFailed) return "";
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            Fail(offset, Malformed.Utf8);
            return "";
        }
    }

    public ValueType ReadValueType()
    {
        int offset = Offset;
        byte encoded = ReadByte();
        if (!ValueTypes.IsDefined(encoded)) Fail(offset, Malformed.ValueType);
        return (ValueType)encoded;
    }

    public ValueType ReadReferenceType()
    {
        int offset = Offset;
        var type = (ValueType)ReadByte();
        if (!type.IsReference()) Fail(offset, Malformed.ReferenceType);
        return type;
    }

    private ulong ReadUnsigned(int bitCount)
    {
        ulong value = 0;
        for (int shift = 0; shift < bitCount; shift += 7)
        {
            int offset = Offset;
            byte next = ReadByte();
            int bitsLeft = bitCount - shift;
            if (bitsLeft < 7 && (next & 0x7F) >> bitsLeft != 0) Fail(offset, Malformed.IntegerTooLarge);
            value |= (ulong)(next & 0x7F) << shift;
            if ((next & 0x80) == 0) return HasFailed ? 0 : value;
        }

        Fail(Offset, Malformed.IntegerTooLong);
        return 0;
    }

    private long ReadSigned(int bitCount)
    {
        long value = 0;
        for (int shift = 0; shift < bitCount; shift += 7)
        {
            int offset = Offset;
            byte next = ReadByte();
            int bitsLeft = bitCount - shift;

            // The bits above the number's own in the last byte must all repeat its sign.
            int excess = bitsLeft < 7 ? (-1 << (bitsLeft - 1)) & 0x7F : 0;
            if ((next & excess) != 0 && (next & excess) != excess) Fail(offset, Malformed.IntegerTooLarge);
            value |= (long)(next & 0x7F) << shift;
            if ((next & 0x80) != 0) continue;
            if ((next & 0x40) != 0 && shift + 7 < 64) value |= -1L << (shift + 7);
            return HasFailed ? 0 : value;
        }

        Fail(Offset, Malformed.IntegerTooLong);
        return 0;
    }
}
