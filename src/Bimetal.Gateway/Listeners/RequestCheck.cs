// What the gateway refuses of HTTP/2 before it looks for a route: requests whose end, host or method a reader of HTTP/1.1 could take for another one.
// Kestrel lets some of them pass.

using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Routing;
using Microsoft.AspNetCore.Http.Features;

namespace Bimetal.Gateway.Listeners;

internal static class RequestCheck
{
    // RFC 9113, section 8.2.2.
    private static readonly string[] OfConnections = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

    /// <summary>Why a request cannot be passed on, or null.</summary>
    /// <param name="method">The one that will be passed on.</param>
    public static string? Refusal(IHttpRequestFeature request, string method) =>
        (Array.Find(OfConnections, request.Headers.ContainsKey) is { } field ? $"{field} belongs to connections of HTTP/1.1" : null)
        ?? (FieldRules.IsMethod(method) ? null : "the method is a known one in other letters, or CONNECT")
        ?? (request.Headers.Host.Count == 1 && request.Headers.Host[0] is { Length: > 0 } host && HostPattern.IsAuthority(host) ? null : "there is no valid host");
}
