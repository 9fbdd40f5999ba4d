// rewrite: of a route: what the filters and the upstream see instead of the target and the host that the client sent.

using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Routing;

/// <summary>Immutable.</summary>
internal sealed class RouteRewrite(RewriteConfig config, PathPattern pattern)
{
    private readonly RouteTemplate? _path = config.Path is null ? null : Parse(config.Path, pattern);
    private readonly byte[]? _host = config.Host is null ? null : Encoding.Latin1.GetBytes(config.Host);

    /// <summary>Changes target and host of a request. False when the new target is none that could be judged and sent as it is.</summary>
    /// <param name="target">As the route was matched with it.</param>
    public bool TryApply(HttpStream stream, string target)
    {
        if (_host is not null) stream.RequestHeaders.Set(PseudoNames.Authority, _host);
        if (_path is null && config.Prefix is null) return true;
        string path = RequestTarget.PathOf(target).ToString();
        string changed = WithQuery(_path is null ? WithPrefix(path[pattern.RestStart(path)..]) : _path.Expand(name => pattern.Capture(path, name)), target[path.Length..]);

        // A value can complete a dot segment ("/.{x}"): what is sent has to be in normal form, like everything else that is.
        if (!RequestTarget.TryNormalize(changed, out string normal) || normal != changed) return false;
        stream.RequestHeaders.Set(PseudoNames.Path, Encoding.Latin1.GetBytes(changed));
        return true;
    }

    /// <summary>"/api/{rest...}" with the prefix "/v2" makes "/v2" of "/api", and "/v2/x" of "/api/x".</summary>
    private string WithPrefix(string rest)
    {
        string changed = config.Prefix!.TrimEnd('/') + rest;
        return changed.Length == 0 ? "/" : changed;
    }

    private static string WithQuery(string changed, string query) =>
        query.Length > 1 && changed.Contains('?', StringComparison.Ordinal) ? string.Concat(changed, "&", query.AsSpan(1)) : changed + query;

    private static RouteTemplate Parse(string text, PathPattern pattern) =>
        RouteTemplate.TryParse(text, pattern.Names, out var template, out string problem) ? template : throw new ArgumentException(problem, nameof(text));
}
