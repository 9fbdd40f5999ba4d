// Who may use the admin listener. On loopback: whoever is on this machine, but no page of the web that a browser here shows. Elsewhere: whoever
// has the token.

using System.Net;
using System.Security.Cryptography;
using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Routing;

namespace Bimetal.Gateway.Admin;

internal static class AdminGuard
{
    private const string Scheme = "Bearer ";

    /// <summary>Why a call is refused, or null.</summary>
    /// <param name="isOpen">The page is for everyone who reaches the listener: health checks, and a page without figures.</param>
    public static AdminAnswer? Refusal(AdminCall call, AdminConfig config, bool isOpen)
    {
        // A name of the web that was made to mean 127.0.0.1 is still in the Host field (DNS rebinding).
        if (IPAddress.IsLoopback(config.Address.Address) && !IsLoopbackName(call.Headers.Host.ToString()))
            return AdminAnswer.Error(403, "host-refused", "use 127.0.0.1, [::1] or localhost as the host of the URL");
        if (call.Method is not ("GET" or "HEAD") && !IsSameOrigin(call))
            return AdminAnswer.Error(403, "origin-refused", "another site may not change anything here");
        if (isOpen || config.TokenDigest.IsEmpty || HasToken(call, config)) return null;
        return AdminAnswer.Error(401, "token-required", "send the content of admin.token_file as: Authorization: Bearer TOKEN");
    }

    private static bool IsLoopbackName(string authority)
    {
        string host = HostPattern.WithoutPort(authority).ToString().Trim('[', ']');
        return host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
    }

    // Browsers send at least one of the two fields with a request that can change something; programs send none.
    private static bool IsSameOrigin(AdminCall call)
    {
        string site = call.Headers["sec-fetch-site"].ToString();
        if (site is not ("" or "same-origin" or "none")) return false;
        string origin = call.Headers.Origin.ToString();
        return origin.Length == 0 || (Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Authority.Equals(call.Headers.Host.ToString(), StringComparison.OrdinalIgnoreCase));
    }

    // Digests have one length, so that the comparison takes one time.
    private static bool HasToken(AdminCall call, AdminConfig config)
    {
        string sent = call.Headers.Authorization.ToString();
        if (!sent.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return false;
        return CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(sent[Scheme.Length..].Trim())), config.TokenDigest.Span);
    }
}
