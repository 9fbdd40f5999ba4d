// One route as it was configured: what it matches, and what happens to the requests that it gets.

namespace Bimetal.Gateway.Configuration;

/// <summary>One entry of <c>routes:</c>. Exactly one of <see cref="Upstream"/>, <see cref="Redirect"/> and <see cref="Response"/> is set.</summary>
public sealed record RouteConfig
{
    public RouteMatchConfig Match { get; init; } = new();

    public TimeSpan? LatencyBudget { get; init; }

    public IReadOnlyList<FilterConfig> Filters { get; init; } = [];

    /// <summary>A key of <see cref="GatewayConfig.Upstreams"/>.</summary>
    public string? Upstream { get; init; }

    public RedirectConfig? Redirect { get; init; }

    public DirectResponseConfig? Response { get; init; }

    public RewriteConfig? Rewrite { get; init; }

    /// <summary>What takes the place of the upstream's timeouts; null: these stay.</summary>
    public UpstreamTimeouts? Timeouts { get; init; }

    public RouteLimits Limits { get; init; } = new();

    /// <summary>Protocols that a connection may go on with when client and upstream agree; lower case.</summary>
    public IReadOnlyList<string> Upgrades { get; init; } = ["websocket"];

    /// <summary>How errors call it, such as <c>routes[2]</c>.</summary>
    public string Name { get; init; } = "";

    /// <summary>Line in the file, or 0.</summary>
    public int Line { get; init; }

    /// <param name="protocol">As a client wrote it: one that is alone and known.</param>
    public bool AllowsUpgrade(string protocol) => Upgrades.Contains(protocol, StringComparer.OrdinalIgnoreCase);
}

/// <summary><c>match:</c>; a request has to satisfy every part.</summary>
public sealed record RouteMatchConfig
{
    /// <summary>A host name, <c>*.example.com</c> or <c>*</c>; lower case.</summary>
    public string Host { get; init; } = "*";

    /// <summary>Segments: literal, <c>{name}</c>, and last <c>{rest...}</c>.</summary>
    public string Path { get; init; } = "/{rest...}";

    /// <summary>Upper case; empty: every method.</summary>
    public IReadOnlyList<string> Methods { get; init; } = [];

    /// <summary>Names in lower case, each once.</summary>
    public IReadOnlyList<ValueCondition> Headers { get; init; } = [];

    /// <summary>Names as they are after decoding, each once.</summary>
    public IReadOnlyList<ValueCondition> Query { get; init; } = [];

    public override string ToString() =>
        (Methods.Count == 0 ? "" : string.Join('|', Methods) + " ") + Host + Path
        + string.Concat(Headers.Select(header => " " + header)) + string.Concat(Query.Select(query => " ?" + query));
}

public enum ConditionKind
{
    Exact,
    Prefix,
    Suffix,
    Present,
    Absent,
}

/// <summary>What a header field or a query parameter has to be.</summary>
/// <param name="Value">Empty for <see cref="ConditionKind.Present"/> and <see cref="ConditionKind.Absent"/>.</param>
public sealed record ValueCondition(string Name, ConditionKind Kind, string Value)
{
    public override string ToString() => Kind switch
    {
        ConditionKind.Exact => $"{Name}={Value}",
        ConditionKind.Prefix => $"{Name}={Value}*",
        ConditionKind.Suffix => $"{Name}=*{Value}",
        ConditionKind.Present => Name,
        _ => "!" + Name,
    };
}

/// <summary><c>rewrite:</c>, what the upstream gets instead; at most one of <paramref name="Path"/> and <paramref name="Prefix"/>.</summary>
/// <param name="Path">A template with the names of the match's path.</param>
/// <param name="Prefix">Stands for everything before <c>{rest...}</c>.</param>
/// <param name="Host">Host, with a port if needed.</param>
public sealed record RewriteConfig(string? Path, string? Prefix, string? Host);

/// <summary><c>redirect:</c>.</summary>
/// <param name="To">A template: a path, or a URL; with the names of the match's path, <c>{host}</c> and <c>{path}</c>.</param>
/// <param name="KeepsQuery">Whether the query of the request is appended.</param>
public sealed record RedirectConfig(int Status, string To, bool KeepsQuery);

/// <summary><c>response:</c>, an answer without an upstream.</summary>
/// <param name="Headers">Names in lower case.</param>
public sealed record DirectResponseConfig(int Status, IReadOnlyList<KeyValuePair<string, string>> Headers, ReadOnlyMemory<byte> Body);

/// <summary><c>limits:</c> of a route; null means none.</summary>
public sealed record RouteLimits
{
    /// <summary>Largest request body.</summary>
    public long? BodyBytes { get; init; }

    /// <summary>Requests on the route at once.</summary>
    public int? Requests { get; init; }
}
