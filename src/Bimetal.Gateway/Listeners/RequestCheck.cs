// What the gateway refuses before it looks for a route: requests whose end, host or method another reader could take for another one.
// Kestrel lets them pass: it drops a content-length beside a transfer-encoding (and keeps it as x-content-length), and takes any coding
// before "chunked"; .NET's client writes "get" as "GET".

using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Routing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Bimetal.Gateway.Listeners;

internal static class RequestCheck
{
    /// <summary>Where Kestrel puts the content-length of a request that has a transfer-encoding as well.</summary>
    private const string DisplacedLength = "x-content-length";

    /// <summary>Why a request cannot be passed on, or null.</summary>
    public static string? Refusal(IHttpRequestFeature request) =>
        Framing(request)
        ?? (FieldRules.IsMethod(request.Method) ? null : "the method is a known one in other letters, or CONNECT")
        ?? (HostPattern.IsAuthority(request.Headers.Host.ToString()) ? null : "the host is not valid");

    // RFC 9112, sections 6.1 and 6.3.
    private static string? Framing(IHttpRequestFeature request)
    {
        var coding = request.Headers.TransferEncoding;
        if (coding.Count == 0) return null;
        if (!string.Equals(coding.ToString().Trim(), "chunked", StringComparison.OrdinalIgnoreCase)) return "the transfer-encoding is not chunked alone";
        if (request.Headers.ContentLength is not null || request.Headers.ContainsKey(DisplacedLength)) return "content-length beside transfer-encoding";
        return request.Protocol == "HTTP/1.0" ? "a transfer-encoding in HTTP/1.0" : null;
    }
}
