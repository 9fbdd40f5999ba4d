// What a route does with its requests: upstream:, redirect: or response:, with rewrite:, timeouts: and limits:.

using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Routing;

namespace Bimetal.Gateway.Configuration;

internal static class RouteActionReader
{
    private const string ActionRemedy = "write exactly one of upstream: NAME, redirect: { to: … } and response: { status: … }";

    private static readonly PathPattern NoPattern = new("/", []);

    public static RouteConfig Read(RouteConfig config, PathPattern? pattern, ConfigMapping route, IReadOnlyDictionary<string, UpstreamConfig> upstreams, ConfigReport report)
    {
        var upstream = ReadUpstream(route, upstreams);
        var read = config with
        {
            Upstream = route.Text("upstream"),
            Redirect = ReadRedirect(route, pattern),
            Response = ReadResponse(route, report),
            Rewrite = ReadRewrite(route, pattern),
            Timeouts = ReadTimeouts(route, upstream?.Timeouts ?? new UpstreamTimeouts()),
            Limits = ReadLimits(route),
        };
        int actions = (route.Has("upstream") ? 1 : 0) + (route.Has("redirect") ? 1 : 0) + (route.Has("response") ? 1 : 0);
        if (actions == 0) route.Error("upstream", "is required", ActionRemedy);
        else if (actions > 1) route.Error(route.Has("redirect") ? "redirect" : "response", "a route has one action", ActionRemedy);
        else if (read.Upstream is null && read.Rewrite is not null) route.Error("rewrite", "rewrites what an upstream gets, and this route has none", "remove the key");
        return read;
    }

    private static UpstreamConfig? ReadUpstream(ConfigMapping route, IReadOnlyDictionary<string, UpstreamConfig> upstreams)
    {
        if (route.Text("upstream") is not { } name) return null;
        if (upstreams.TryGetValue(name, out var upstream)) return upstream;
        route.Error("upstream", $"there is no upstream '{name}'", NearestKey.Remedy(name, [.. upstreams.Keys]));
        return null;
    }

    private static RewriteConfig? ReadRewrite(ConfigMapping route, PathPattern? pattern)
    {
        if (route.Mapping("rewrite") is not { } rewrite) return null;
        string? path = rewrite.Text("path");
        string? prefix = rewrite.Text("prefix");
        string? host = rewrite.Text("host");
        if (path is not null && prefix is not null) rewrite.Error("prefix", "stands beside path", "write one of them");
        if (path is not null && pattern is not null) CheckTarget(rewrite, path, pattern);
        if (prefix is not null && !(prefix.StartsWith('/') && RequestTarget.TryNormalize(prefix, out string normal) && normal == prefix && !prefix.Contains('?', StringComparison.Ordinal)))
            rewrite.Error("prefix", $"'{prefix}' is not a path in normal form", "write a path such as /v2");
        if (prefix is not null && pattern is not null && pattern.Segments is not [.., { Kind: PathSegmentKind.Rest }])
            rewrite.Error("prefix", "replaces what stands before {rest...}, and match.path has none", "end match.path with /{rest...}, or write path: instead");
        if (host is not null && (!HostPattern.IsAuthority(host) || host.Contains('*', StringComparison.Ordinal)))
            rewrite.Error("host", $"'{host}' is not a host", "write a host name, with a port if needed");
        rewrite.Finish();
        return new RewriteConfig(path, prefix, host);
    }

    private static void CheckTarget(ConfigMapping rewrite, string path, PathPattern pattern)
    {
        if (!RouteTemplate.TryParse(path, pattern.Names, out var template, out string problem)) rewrite.Error("path", problem, "write a path such as /v2/{id}/{rest}, with the names of match.path");
        else if (template.Expand(static _ => "x") is var sample && (!sample.StartsWith('/') || !RequestTarget.TryNormalize(sample, out string normal) || normal != sample))
            rewrite.Error("path", $"'{path}' is not a path in normal form", "write a path such as /v2/{id}/{rest}");
    }

    private static RedirectConfig? ReadRedirect(ConfigMapping route, PathPattern? pattern)
    {
        if (route.Mapping("redirect") is not { } redirect) return null;
        int status = redirect.Choice("status", 302, ("301", 301), ("302", 302), ("303", 303), ("307", 307), ("308", 308));
        string to = redirect.RequiredText("to", "write a path or a URL, such as /new/{rest} or https://{host}{path}");
        bool keepsQuery = redirect.Flag("keep_query", absent: true);
        redirect.Finish();
        string[] names = [.. (pattern ?? NoPattern).Names, .. RouteAnswer.RedirectNames];
        if (to.Length == 0) return null;
        if (!RouteTemplate.TryParse(to, names, out var template, out string problem)) redirect.Error("to", problem, "write a path or a URL, such as /new/{rest} or https://{host}{path}");
        else if (!IsSafe(template)) redirect.Error("to", $"'{to}': clients could choose the host that they are sent to", "write a path, or a URL in which only {host} stands before the path's slash");
        return new RedirectConfig(status, to, keepsQuery);
    }

    // "https://example.com{rest}" with a rest of ".evil.example" would be another host. {host} alone is what the client asked for anyway, and
    // {path} begins with a slash.
    private static bool IsSafe(RouteTemplate template)
    {
        if (template.LiteralStart.StartsWith('/')) return !template.LiteralStart.StartsWith("//", StringComparison.Ordinal);
        if (template.Text == "{path}") return true;
        int scheme = template.Text.IndexOf("://", StringComparison.Ordinal);
        if (scheme <= 0 || template.Text[..scheme] is not ("http" or "https")) return false;
        string authority = template.Text[(scheme + 3)..].Split('/', '?')[0].Replace("{path}", "/", StringComparison.Ordinal);
        authority = authority.Split('/')[0];
        return authority == "{host}" || (HostPattern.IsAuthority(authority) && authority.Length > 0 && !authority.Contains('{', StringComparison.Ordinal));
    }

    private static DirectResponseConfig? ReadResponse(ConfigMapping route, ConfigReport report)
    {
        if (route.Mapping("response") is not { } response) return null;
        int status = response.Count("status", 200, 200, 599);
        var headers = ReadFields(response, report);
        string? text = response.Text("body");
        byte[]? file = response.FileBytes("file", GatewayLimits.DirectResponseBytes);
        if (text is not null && file is not null) response.Error("file", "stands beside body", "write one of them");
        if ((text ?? (object?)file) is not null && status is 204 or 205 or 304) response.Error("status", $"{status} has no body", "remove body and file");
        response.Finish();
        if (text is not null && !headers.Exists(field => field.Key == "content-type")) headers.Add(new("content-type", "text/plain; charset=utf-8"));
        return new DirectResponseConfig(status, headers, text is null ? file : System.Text.Encoding.UTF8.GetBytes(text));
    }

    private static List<KeyValuePair<string, string>> ReadFields(ConfigMapping response, ConfigReport report)
    {
        var fields = new List<KeyValuePair<string, string>>();
        if (response.Mapping("headers") is not { } headers) return fields;
        foreach (var (name, value) in headers.EntriesOfText())
        {
            if (!FieldRules.MayBeSet(name) || !FieldRules.IsValue(value)) report.Error(headers.Line, headers.KeyPath(name), "is not a field that can be set", FieldRules.SettableRemedy);
            else fields.Add(new(name.ToLowerInvariant(), value));
        }

        return fields;
    }

    private static UpstreamTimeouts? ReadTimeouts(ConfigMapping route, UpstreamTimeouts inherited)
    {
        if (route.Mapping("timeouts") is not { } timeouts) return null;
        var read = inherited with
        {
            Headers = timeouts.Duration("headers", inherited.Headers),
            Idle = timeouts.Duration("idle", inherited.Idle),
            Total = timeouts.Duration("total", inherited.Total),
        };
        timeouts.Finish();
        return read;
    }

    private static RouteLimits ReadLimits(ConfigMapping route)
    {
        if (route.Mapping("limits") is not { } limits) return new RouteLimits();
        var read = new RouteLimits
        {
            BodyBytes = limits.OptionalSize("body", 0, 1L << 40),
            Requests = limits.OptionalCount("requests", 1, 1_000_000),
        };
        limits.Finish();
        return read;
    }
}
