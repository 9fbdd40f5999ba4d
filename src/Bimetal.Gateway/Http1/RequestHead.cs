// The head of a request.

using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Http1;

internal sealed class RequestHead : MessageHead
{
    private int _methodLength;
    private int _targetStart;
    private int _targetLength;

    public ReadOnlyMemory<byte> Method => Bytes[.._methodLength];

    /// <summary>As it was sent: visible ASCII.</summary>
    public ReadOnlyMemory<byte> Target => Bytes.Slice(_targetStart, _targetLength);

    public ReadOnlyMemory<byte> Host => HostIndex < 0 ? default : ValueOf(Fields[HostIndex]);

    public bool HasBody => HasTransferEncoding || ContentLength > 0;

    // method SP request-target SP HTTP-version, with single spaces.
    protected override HeadProblem? ParseStartLine(ReadOnlySpan<byte> line)
    {
        int first = line.IndexOf((byte)' ');
        int last = line.LastIndexOf((byte)' ');
        if (first < 1 || last <= first + 1) return new HeadProblem(400, "the request line is not METHOD TARGET VERSION");
        var target = line[(first + 1)..last];
        if (!HeaderRules.IsName(line[..first])) return new HeadProblem(400, "the method is not a token");
        if (target.ContainsAnyExceptInRange((byte)'!', (byte)'~')) return new HeadProblem(400, "the target has spaces or bytes that are not ASCII");
        _methodLength = first;
        _targetStart = first + 1;
        _targetLength = target.Length;
        return ParseVersion(line[(last + 1)..]);
    }

    // RFC 9112, sections 3.2, 6.1 and 6.3.
    protected override HeadProblem? Check()
    {
        if (HasTransferEncoding && ContentLength is not null) return new HeadProblem(400, "content-length beside transfer-encoding");
        if (HasTransferEncoding && Minor == 0) return new HeadProblem(400, "a transfer-encoding in HTTP/1.0");
        if (HostIndex < 0 && Minor == 1) return new HeadProblem(400, "no host");
        return null;
    }
}
