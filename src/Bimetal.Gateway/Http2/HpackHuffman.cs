// The Huffman code of HPACK (RFC 7541, appendix B). It is canonical: codes of one length follow each other in the order of their symbols, so the
// lengths say everything.

namespace Bimetal.Gateway.Http2;

internal static class HpackHuffman
{
    private const int EndOfString = 256;
    private const int MaximumBits = 30;

    /// <summary>Bits of the code of each byte, and of the end of the string.</summary>
    private static ReadOnlySpan<byte> Lengths =>
    [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
        30,
    ];

    // By length: the first code, how many there are, and where their symbols begin in s_symbols.
    private static readonly uint[] s_first = new uint[MaximumBits + 1];
    private static readonly int[] s_count = new int[MaximumBits + 1];
    private static readonly int[] s_start = new int[MaximumBits + 1];
    private static readonly short[] s_symbols = new short[EndOfString + 1];

    static HpackHuffman()
    {
        int position = 0;
        uint code = 0;
        for (int length = 1; length <= MaximumBits; length++)
        {
            code <<= 1;
            s_first[length] = code;
            s_start[length] = position;
            for (int symbol = 0; symbol <= EndOfString; symbol++)
            {
                if (Lengths[symbol] != length) continue;
                s_symbols[position++] = (short)symbol;
                s_count[length]++;
                code++;
            }
        }
    }

    /// <summary>Decodes a whole string; null when it is none, or longer than <paramref name="limitBytes"/>.</summary>
    public static byte[]? Decode(ReadOnlySpan<byte> coded, int limitBytes)
    {
        var output = new List<byte>(coded.Length * 2);
        uint code = 0;
        int length = 0;
        foreach (byte octet in coded)
        {
            for (int bit = 7; bit >= 0; bit--)
            {
                code = (code << 1) | (uint)((octet >> bit) & 1);
                if (++length > MaximumBits) return null;
                if (code - s_first[length] >= (uint)s_count[length]) continue;
                int symbol = s_symbols[s_start[length] + (int)(code - s_first[length])];
                if (symbol == EndOfString || output.Count == limitBytes) return null;
                output.Add((byte)symbol);
                code = 0;
                length = 0;
            }
        }

        // What is left is the beginning of the end of the string: up to seven ones (section 5.2).
        return length < 8 && code == (1u << length) - 1 ? [.. output] : null;
    }
}
