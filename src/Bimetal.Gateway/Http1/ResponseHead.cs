// The head of a response.

namespace Bimetal.Gateway.Http1;

internal sealed class ResponseHead : MessageHead
{
    public int Status { get; private set; }

    /// <summary>The three digits.</summary>
    public ReadOnlyMemory<byte> StatusText => Bytes.Slice(9, 3);

    /// <summary>The coding counts, and the connection is not used again (RFC 9112, section 6.3).</summary>
    public bool HasBothLengths => HasTransferEncoding && ContentLength is not null;

    // HTTP-version SP three digits, then SP and a reason, which some leave out.
    protected override HeadProblem? ParseStartLine(ReadOnlySpan<byte> line)
    {
        if (line.Length < 12 || line[8] != ' ' || (line.Length > 12 && line[12] != ' ')) return new HeadProblem(502, "no status line");
        var digits = line.Slice(9, 3);
        if (digits.ContainsAnyExceptInRange((byte)'0', (byte)'9') || digits[0] is < (byte)'1' or > (byte)'5') return new HeadProblem(502, "no status that is known");
        Status = ((digits[0] - '0') * 100) + ((digits[1] - '0') * 10) + (digits[2] - '0');
        return ParseVersion(line[..8]);
    }

    protected override HeadProblem? Check() =>
        HasTransferEncoding && Minor == 0 ? new HeadProblem(502, "a transfer-encoding in HTTP/1.0") : null;
}
