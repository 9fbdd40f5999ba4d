// redirect: and response: of a route: an answer without an upstream. It passes the route's filters like any other.

using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Routing;

/// <summary>Immutable.</summary>
internal abstract class RouteAnswer
{
    /// <summary>Names that a redirect knows besides those of the path.</summary>
    public static readonly string[] RedirectNames = ["host", "path"];

    public static RouteAnswer? Of(RouteConfig config, PathPattern pattern)
    {
        if (config.Redirect is { } redirect) return new RedirectAnswer(redirect, pattern);
        return config.Response is { } response ? new DirectAnswer(response) : null;
    }

    /// <param name="target">In normal form, query included.</param>
    /// <param name="authority">As the client sent it.</param>
    public abstract LocalResponse Make(string target, string authority);
}

internal sealed class RedirectAnswer(RedirectConfig config, PathPattern pattern) : RouteAnswer
{
    private readonly RouteTemplate _to = RouteTemplate.TryParse(config.To, [.. pattern.Names, .. RedirectNames], out var template, out string problem)
        ? template
        : throw new ArgumentException(problem, nameof(config));

    public override LocalResponse Make(string target, string authority)
    {
        string path = RequestTarget.PathOf(target).ToString();
        string query = target[path.Length..];
        string location = _to.Expand(name => pattern.Names.Contains(name) ? pattern.Capture(path, name) : name == "host" ? authority : path);

        // "//evil.example" would be another host: two slashes at the front come from the client's path, never from a configuration.
        if (location.StartsWith("//", StringComparison.Ordinal)) location = "/" + location.TrimStart('/');
        if (config.KeepsQuery && query.Length > 1) location = string.Concat(location, _to.HasQuery ? "&" : "?", query.AsSpan(1));
        var headers = new HeaderMap();
        headers.Add("location"u8.ToArray(), Encoding.Latin1.GetBytes(location));
        return new LocalResponse(config.Status, headers, default);
    }
}

internal sealed class DirectAnswer(DirectResponseConfig config) : RouteAnswer
{
    private readonly HeaderField[] _fields = [.. config.Headers.Select(field => new HeaderField(FieldText.NameBytes(field.Key), FieldText.ValueBytes(field.Value)))];

    public override LocalResponse Make(string target, string authority)
    {
        var headers = new HeaderMap();
        foreach (var (name, value) in _fields) headers.Add(name, value);
        return new LocalResponse(config.Status, headers, config.Body);
    }
}
