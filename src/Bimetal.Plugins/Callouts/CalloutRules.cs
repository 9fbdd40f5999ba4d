// What a plugin's own HTTP request may be, on both metals.

using System.Text;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Callouts;

/// <summary>Checks requests before they are made.</summary>
internal static class CalloutRules
{
    private const int MaximumUpstreamNameBytes = 256;

    /// <summary>Longest time that a callout may take; 0 and what is longer mean this.</summary>
    private const uint MaximumTimeoutMs = 60_000;

    /// <summary>The request, or null when there is no such upstream or a part of it may not be so.</summary>
    public static HttpCalloutRequest? Check(
        IHttpCaller caller, int bodyLimitBytes, ReadOnlySpan<byte> upstream, HeaderMap headers, ReadOnlySpan<byte> body, HeaderMap trailers, uint timeoutMs)
    {
        string name = upstream.Length <= MaximumUpstreamNameBytes ? Encoding.UTF8.GetString(upstream) : "";
        if (!caller.Has(name) || body.Length > bodyLimitBytes || !IsRequest(headers) || !AreAllowed(HeaderMapKind.RequestTrailers, trailers)) return null;
        var timeout = TimeSpan.FromMilliseconds(timeoutMs is > 0 and <= MaximumTimeoutMs ? timeoutMs : MaximumTimeoutMs);
        return new HttpCalloutRequest(name, headers, body.ToArray(), trailers, timeout, bodyLimitBytes);
    }

    private static bool IsRequest(HeaderMap headers) =>
        headers.IndexOf(":method"u8) >= 0 && headers.IndexOf(":path"u8) >= 0 && headers.IndexOf(":authority"u8) >= 0
        && AreAllowed(HeaderMapKind.RequestHeaders, headers);

    private static bool AreAllowed(HeaderMapKind kind, HeaderMap fields)
    {
        if (fields.TotalBytes > HeaderRules.MaximumTotalBytes) return false;
        for (int index = 0; index < fields.Count; index++)
        {
            if (!HeaderRules.IsAllowed(kind, fields[index].Name.Span, fields[index].Value.Span)) return false;
        }

        return true;
    }
}
