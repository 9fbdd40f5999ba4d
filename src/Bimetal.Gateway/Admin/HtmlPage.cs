// /: the page, one file with its style and its script in it. The policy names both by their digests, so that nothing else runs: no name that a
// plugin, a route or a header brings along, and nothing from the network.

using System.Security.Cryptography;
using System.Text;

namespace Bimetal.Gateway.Admin;

internal static class HtmlPage
{
    private const string ResourceName = "Bimetal.Gateway.Admin.page.html";

    private static readonly Lazy<AdminAnswer> Made = new(Make);

    /// <summary>It shows nothing by itself: its script asks the other pages, with the token if there is one.</summary>
    public static AdminAnswer Answer() => Made.Value;

    private static AdminAnswer Make()
    {
        using var resource = typeof(HtmlPage).Assembly.GetManifestResourceStream(ResourceName)
            ?? throw new InvalidOperationException(ResourceName + " is not in the assembly.");
        using var reader = new StreamReader(resource, Encoding.UTF8);
        string html = reader.ReadToEnd();
        string policy = "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
            + $"script-src '{DigestOf(html, "script")}'; style-src '{DigestOf(html, "style")}'";
        return new AdminAnswer(200, "text/html; charset=utf-8", Encoding.UTF8.GetBytes(html)) { Policy = policy };
    }

    private static string DigestOf(string html, string element)
    {
        int start = html.IndexOf($"<{element}>", StringComparison.Ordinal) + element.Length + 2;
        string text = html[start..html.IndexOf($"</{element}>", StringComparison.Ordinal)];
        return "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }
}
