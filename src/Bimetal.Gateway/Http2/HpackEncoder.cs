// Field blocks of HPACK (RFC 7541), written as literals: nothing of a request stays in a table that another one could probe.

using System.Buffers;

namespace Bimetal.Gateway.Http2;

internal static class HpackEncoder
{
    /// <summary>A field whose name is new.</summary>
    public static void Add(IBufferWriter<byte> block, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        AddInteger(block, 0, 4, 0);
        AddText(block, name);
        AddText(block, value);
    }

    private static void AddText(IBufferWriter<byte> block, ReadOnlySpan<byte> text)
    {
        AddInteger(block, text.Length, 7, 0);
        block.Write(text);
    }

    private static void AddInteger(IBufferWriter<byte> block, int value, int prefixBits, byte pattern)
    {
        var bytes = block.GetSpan(6);
        int mask = (1 << prefixBits) - 1, used = 0;
        bytes[used++] = (byte)(pattern | Math.Min(value, mask));
        if (value >= mask)
        {
            for (value -= mask; value >= 128; value >>= 7) bytes[used++] = (byte)(value | 128);
            bytes[used++] = (byte)value;
        }

        block.Advance(used);
    }
}
