// Field blocks of HPACK (RFC 7541), read with a dynamic table of no size, and judged at once: what gets through can stand in a message of any
// version of HTTP.

using Bimetal.Gateway.Http1;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Http2;

internal static class HpackDecoder
{
    /// <summary>Decodes a block.</summary>
    /// <param name="limitBytes">For names and values together.</param>
    /// <exception cref="Http2FormatException">It is none, or over a limit. The connection cannot go on.</exception>
    public static List<HeaderField> Decode(ReadOnlySpan<byte> block, int limitBytes, int limitCount)
    {
        var fields = new List<HeaderField>();
        int total = 0;
        while (!block.IsEmpty)
        {
            byte first = block[0];
            if ((first & 0xe0) == 0x20)
            {
                // A change of the table's size: zero is all that we allowed.
                if (fields.Count > 0 || ReadInteger(ref block, 5) != 0) throw Wrong("a table that is larger than we allow");
                continue;
            }

            var field = (first & 0x80) != 0 ? Entry(ReadInteger(ref block, 7)) : ReadLiteral(ref block, (first & 0x40) != 0 ? 6 : 4, limitBytes);
            total += field.Name.Length + field.Value.Length;
            if (fields.Count == limitCount || total > limitBytes) throw new Http2FormatException(Http2Error.EnhanceYourCalm, $"more than {limitCount} fields or {limitBytes} bytes of them");
            fields.Add(field);
        }

        return fields;
    }

    /// <summary>What is wrong with a field that another version of HTTP would read differently, or null.</summary>
    public static string? Problem(in HeaderField field, bool isTrailer)
    {
        var name = field.Name.Span;
        if (HeaderRules.IsPseudo(name)) return isTrailer ? "a pseudo-header in the trailers" : null;
        if (!HeaderRules.IsName(name) || name.ContainsAnyInRange((byte)'A', (byte)'Z')) return "a field without a valid name";
        if (!HeaderRules.IsValue(field.Value.Span)) return "control characters in the field " + System.Text.Encoding.ASCII.GetString(name);
        return FieldKinds.Of(name) is FieldKind.Connection or FieldKind.TransferEncoding or FieldKind.Upgrade ? "a field of a connection of HTTP/1.1" : null;
    }

    private static HeaderField ReadLiteral(ref ReadOnlySpan<byte> block, int bits, int limitBytes)
    {
        int index = ReadInteger(ref block, bits);
        byte[] name = index == 0 ? ReadText(ref block, limitBytes) : Entry(index).Name.ToArray();
        return new HeaderField(name, ReadText(ref block, limitBytes));
    }

    private static HeaderField Entry(int index)
    {
        if (index < 1 || index > HpackTable.Last) throw Wrong("an entry of a table that does not exist");
        var (name, value) = HpackTable.At(index);
        return new HeaderField(name, value);
    }

    private static byte[] ReadText(ref ReadOnlySpan<byte> block, int limitBytes)
    {
        if (block.IsEmpty) throw Wrong("a block that ends within a field");
        bool isCoded = (block[0] & 0x80) != 0;
        int length = ReadInteger(ref block, 7);
        if (length > block.Length) throw Wrong("a block that ends within a field");
        var text = block[..length];
        block = block[length..];
        return isCoded ? HpackHuffman.Decode(text, limitBytes) ?? throw Wrong("a text that is not well coded") : text.ToArray();
    }

    // Section 5.1: what does not fit into the prefix follows in groups of seven bits, the lowest first.
    private static int ReadInteger(ref ReadOnlySpan<byte> block, int prefixBits)
    {
        if (block.IsEmpty) throw Wrong("a block that ends within a number");
        int mask = (1 << prefixBits) - 1;
        int value = block[0] & mask;
        block = block[1..];
        if (value < mask) return value;
        for (int shift = 0; shift <= 21; shift += 7)
        {
            if (block.IsEmpty) throw Wrong("a block that ends within a number");
            byte next = block[0];
            block = block[1..];
            value += (next & 0x7f) << shift;
            if ((next & 0x80) == 0) return value;
        }

        throw Wrong("a number that is too large");
    }

    private static Http2FormatException Wrong(string detail) => new(Http2Error.Compression, detail);
}
