// The head of an HTTP/1.1 message, judged (RFC 9112): its lines as positions in the buffer that they were read into, and what the fields
// say about framing and connection. One parser for requests, responses and trailers, so that what is judged is what is passed on.

using System.Buffers.Text;
using System.Text;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Http1;

/// <summary>Where a field stands in the head.</summary>
internal record struct FieldSlice(int NameStart, int NameLength, int ValueStart, int ValueLength, FieldKind Kind);

/// <summary>Why a head cannot be passed on.</summary>
/// <param name="Status">What a client is answered.</param>
internal sealed record HeadProblem(int Status, string Detail);

/// <summary>One message's head at a time; used again for the next message of the connection.</summary>
internal abstract class MessageHead
{
    private FieldSlice[] _fields = new FieldSlice[24];
    private bool _hasNominated;

    /// <summary>The head; the slices point into it. Names are in lower case.</summary>
    public Memory<byte> Bytes { get; private set; }

    public ReadOnlySpan<FieldSlice> Fields => _fields.AsSpan(0, Count);

    public int Count { get; private set; }

    /// <summary>The digit behind HTTP/1.</summary>
    public int Minor { get; protected set; }

    public long? ContentLength { get; private set; }

    public bool HasTransferEncoding { get; private set; }

    /// <summary>The connection ends with this message.</summary>
    public bool Closes { get; private set; }

    /// <summary>The other side asks for, or agrees to, another protocol on this connection.</summary>
    public bool IsUpgrade { get; private set; }

    public bool ExpectsContinue { get; private set; }

    /// <summary>The other side reads trailers.</summary>
    public bool TakesTrailers { get; private set; }

    /// <summary>Position in <see cref="Fields"/>, or -1.</summary>
    public int HostIndex { get; private set; }

    public int UpgradeIndex { get; private set; }

    public ReadOnlyMemory<byte> NameOf(in FieldSlice field) => Bytes.Slice(field.NameStart, field.NameLength);

    public ReadOnlyMemory<byte> ValueOf(in FieldSlice field) => Bytes.Slice(field.ValueStart, field.ValueLength);

    /// <summary>Judges a head.</summary>
    /// <param name="bytes">From the first byte to the empty line, that included. Names are put into lower case there.</param>
    /// <returns>Null when it is good.</returns>
    public HeadProblem? Parse(Memory<byte> bytes, int maximumFields)
    {
        Bytes = bytes;
        Count = 0;
        ContentLength = null;
        HostIndex = UpgradeIndex = -1;
        HasTransferEncoding = Closes = IsUpgrade = ExpectsContinue = TakesTrailers = _hasNominated = false;
        bool keepsAlive = false;
        var span = bytes.Span;
        int start = span.IndexOf((byte)'\n') + 1;
        if (start < 2 || span[start - 2] != '\r') return new HeadProblem(400, "a line that does not end with CR LF");
        if (ParseStartLine(span[..(start - 2)]) is { } wrong) return wrong;
        while (start < span.Length)
        {
            int length = span[start..].IndexOf((byte)'\n');
            if (length < 1 || span[start + length - 1] != '\r') return new HeadProblem(400, "a line that does not end with CR LF");
            if (length == 1) break;
            if (Count == maximumFields) return new HeadProblem(431, $"more than {maximumFields} fields");
            if (Count == _fields.Length) Array.Resize(ref _fields, Count * 2);
            if (ParseField(span, start, length - 1) is { } problem) return problem;
            if (Note(span, ref keepsAlive) is { } refusal) return refusal;
            start += length + 1;
        }

        if (_hasNominated) MarkNominated(span);
        if (Minor == 0 && !keepsAlive) Closes = true;
        return Check();
    }

    /// <summary>Whether Connection names a field, so that it belongs to the connection.</summary>
    protected abstract HeadProblem? ParseStartLine(ReadOnlySpan<byte> line);

    /// <summary>What is wrong with the head as a whole.</summary>
    protected abstract HeadProblem? Check();

    /// <summary>The version at the end of a request line or at the beginning of a status line.</summary>
    protected HeadProblem? ParseVersion(ReadOnlySpan<byte> version)
    {
        if (version.Length != 8 || !version.StartsWith("HTTP/"u8) || version[6] != '.' || !IsDigit(version[5]) || !IsDigit(version[7])) return new HeadProblem(400, "no HTTP version");
        if (version[5] != '1' || version[7] is not ((byte)'0' or (byte)'1')) return new HeadProblem(505, "the HTTP version is not 1.0 or 1.1");
        Minor = version[7] - '0';
        return null;
    }

    private static bool IsDigit(byte value) => value is >= (byte)'0' and <= (byte)'9';

    private HeadProblem? ParseField(Span<byte> head, int start, int length)
    {
        var line = head.Slice(start, length);
        if (line[0] is (byte)' ' or (byte)'\t') return new HeadProblem(400, "a folded field");
        int colon = line.IndexOf((byte)':');
        if (colon < 1 || !HeaderRules.IsName(line[..colon])) return new HeadProblem(400, "a field without a valid name");
        Ascii.ToLowerInPlace(line[..colon], out _);
        int first = colon + 1, end = length;
        while (first < end && line[first] is (byte)' ' or (byte)'\t') first++;
        while (end > first && line[end - 1] is (byte)' ' or (byte)'\t') end--;
        if (!HeaderRules.IsValue(line[first..end])) return new HeadProblem(400, "control characters in the field " + Encoding.ASCII.GetString(line[..colon]));
        _fields[Count++] = new FieldSlice(start, colon, start + first, end - first, FieldKinds.Of(line[..colon]));
        return null;
    }

    /// <summary>Takes in what the newest field says about framing and connection.</summary>
    private HeadProblem? Note(ReadOnlySpan<byte> head, ref bool keepsAlive)
    {
        var field = _fields[Count - 1];
        if (field.Kind == FieldKind.Ordinary) return null;
        var value = head.Slice(field.ValueStart, field.ValueLength);
        switch (field.Kind)
        {
            case FieldKind.Connection:
                NoteConnection(value, ref keepsAlive);
                return null;
            case FieldKind.ContentLength:
                if (ContentLength is not null) return new HeadProblem(400, "more than one content-length");
                if (value.Length is 0 or > 18 || value.ContainsAnyExceptInRange((byte)'0', (byte)'9') || !Utf8Parser.TryParse(value, out long length, out _))
                    return new HeadProblem(400, "a content-length that is not one number");
                ContentLength = length;
                return null;
            case FieldKind.TransferEncoding:
                if (HasTransferEncoding || !Ascii.EqualsIgnoreCase(value, "chunked"u8)) return new HeadProblem(400, "a transfer-encoding that is not chunked alone");
                HasTransferEncoding = true;
                return null;
            case FieldKind.Host:
                if (HostIndex >= 0) return new HeadProblem(400, "more than one host");
                HostIndex = Count - 1;
                return null;
            case FieldKind.Expect:
                ExpectsContinue |= Ascii.EqualsIgnoreCase(value, "100-continue"u8);
                return null;
            case FieldKind.Te:
                TakesTrailers |= HasToken(value, "trailers"u8);
                return null;
            case FieldKind.Upgrade:
                UpgradeIndex = Count - 1;
                return null;
            default:
                return null;
        }
    }

    private void NoteConnection(ReadOnlySpan<byte> value, ref bool keepsAlive)
    {
        foreach (var range in value.Split((byte)','))
        {
            var token = Trim(value[range]);
            if (Ascii.EqualsIgnoreCase(token, "close"u8)) Closes = true;
            else if (Ascii.EqualsIgnoreCase(token, "keep-alive"u8)) keepsAlive = true;
            else if (Ascii.EqualsIgnoreCase(token, "upgrade"u8)) IsUpgrade = true;
            else if (!token.IsEmpty) _hasNominated = true;
        }
    }

    private void MarkNominated(ReadOnlySpan<byte> head)
    {
        for (int index = 0; index < Count; index++)
        {
            ref var field = ref _fields[index];
            if (field.Kind == FieldKind.Ordinary && IsNominated(head, head.Slice(field.NameStart, field.NameLength))) field.Kind = FieldKind.HopByHop;
        }
    }

    private bool IsNominated(ReadOnlySpan<byte> head, ReadOnlySpan<byte> name)
    {
        foreach (ref readonly var field in Fields)
        {
            if (field.Kind == FieldKind.Connection && HasToken(head.Slice(field.ValueStart, field.ValueLength), name)) return true;
        }

        return false;
    }

    private static bool HasToken(ReadOnlySpan<byte> list, ReadOnlySpan<byte> token)
    {
        foreach (var range in list.Split((byte)','))
        {
            if (Ascii.EqualsIgnoreCase(Trim(list[range]), token)) return true;
        }

        return false;
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text)
    {
        while (text.Length > 0 && text[0] is (byte)' ' or (byte)'\t') text = text[1..];
        while (text.Length > 0 && text[^1] is (byte)' ' or (byte)'\t') text = text[..^1];
        return text;
    }
}
