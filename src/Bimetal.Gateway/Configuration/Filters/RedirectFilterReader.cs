// The entry redirect: of a route's filters.

using Bimetal.Gateway.Filters;

namespace Bimetal.Gateway.Configuration;

/// <summary><c>redirect:</c>, checked.</summary>
/// <param name="Scheme">Only requests that came by it are sent elsewhere; empty: all.</param>
internal sealed record RedirectFilterConfig(LocationTemplate To, int Status, string Scheme) : FilterConfig;

internal static class RedirectFilterReader
{
    public static FilterConfig Read(ConfigMapping redirect, FilterSurroundings surroundings)
    {
        string to = redirect.RequiredText("to", LocationTemplate.Remedy);
        var template = LocationTemplate.Parse(to, out string problem);
        if (template is null && to.Length > 0) redirect.Error("to", $"'{to}' {problem}", LocationTemplate.Remedy);
        int status = redirect.Choice("status", 308, ("301", 301), ("302", 302), ("303", 303), ("307", 307), ("308", 308));
        string scheme = redirect.Choice("scheme", "", ("http", "http"), ("https", "https"));
        return new RedirectFilterConfig(template ?? LocationTemplate.Root, status, scheme);
    }
}
