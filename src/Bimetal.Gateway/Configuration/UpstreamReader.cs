// The section upstreams:. UpstreamPolicyReader reads what is below an upstream.

using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

internal static class UpstreamReader
{
    private const string EndpointRemedy = "write http://HOST:PORT or https://HOST:PORT, or { url: http://HOST:PORT, weight: 2 }";

    public static IReadOnlyDictionary<string, UpstreamConfig> Read(ConfigMapping root, ConfigReport report)
    {
        var upstreams = new Dictionary<string, UpstreamConfig>();
        if (root.Mapping("upstreams") is not { } section) return upstreams;
        foreach (var (name, node) in section.Entries)
        {
            if (ConfigMapping.From(node, section.KeyPath(name), report) is not { } upstream) continue;
            upstreams[name] = ReadOne(name, upstream, report);
        }

        return upstreams;
    }

    private static UpstreamConfig ReadOne(string name, ConfigMapping upstream, ConfigReport report)
    {
        var endpoints = ReadEndpoints(upstream, report);
        var config = new UpstreamConfig
        {
            Name = name,
            Endpoints = endpoints,
            Balance = ReadBalance(upstream, report),
            Health = UpstreamPolicyReader.ReadHealth(upstream, report),
            Retries = UpstreamPolicyReader.ReadRetries(upstream, report),
            Timeouts = ReadTimeouts(upstream),
            Limits = ReadLimits(upstream),
            Http2 = upstream.Flag("http2", absent: false),
            Tls = TlsReader.ReadUpstream(upstream, report),
            ResolveInterval = upstream.Duration("resolve_interval", TimeSpan.FromSeconds(30)) ?? ConfigScalars.MaximumDuration,
        };
        upstream.Finish();
        if (config.Tls is not null && endpoints.Count > 0 && !endpoints.Exists(endpoint => endpoint.IsEncrypted))
            upstream.Error("tls", "no endpoint speaks TLS", "write https:// in front of the endpoints that do");
        return config;
    }

    private static List<EndpointConfig> ReadEndpoints(ConfigMapping upstream, ConfigReport report)
    {
        var endpoints = new List<EndpointConfig>();
        int count = 0;
        foreach (var (path, node) in upstream.RequiredSequence("endpoints", "write endpoints: [http://127.0.0.1:9000]", isTextOrMapping: true))
        {
            count++;
            if (ReadEndpoint(path, node, report) is not { } endpoint) continue;
            if (endpoints.Exists(other => other.Address == endpoint.Address)) report.Error(node.Start.Line, path, $"{endpoint} stands there twice", "give it a weight instead");
            else endpoints.Add(endpoint);
        }

        if (upstream.Has("endpoints") && count == 0) upstream.Error("endpoints", "is empty", "name at least one endpoint");
        if (count > 1000) upstream.Error("endpoints", $"has {count} endpoints", "at most 1000");
        return endpoints;
    }

    private static EndpointConfig? ReadEndpoint(string path, YamlNode node, ConfigReport report)
    {
        if (node is YamlScalarNode scalar) return ReadAddress(path, scalar.Value ?? "", node.Start.Line, report) is { } plain ? new EndpointConfig(plain) : null;
        if (ConfigMapping.From(node, path, report) is not { } mapping) return null;
        var address = ReadAddress(path, mapping.RequiredText("url", EndpointRemedy), node.Start.Line, report);
        int weight = mapping.Count("weight", 1, 1, 100);
        mapping.Finish();
        return address is null ? null : new EndpointConfig(address, weight);
    }

    private static Uri? ReadAddress(string path, string text, long line, ConfigReport report)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Host.Length == 0)
            report.Error(line, path, $"'{text}' is not a URL", EndpointRemedy);
        else if (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps)
            report.Error(line, path, $"'{uri.Scheme}' is not a scheme for upstreams", EndpointRemedy);
        else if (uri.PathAndQuery != "/" || uri.UserInfo.Length > 0 || uri.Fragment.Length > 0)
            report.Error(line, path, "an endpoint has no path, query or user: requests keep their own path", EndpointRemedy);
        else
            return uri;
        return null;
    }

    private static BalanceConfig ReadBalance(ConfigMapping upstream, ConfigReport report)
    {
        var kind = upstream.Choice(
            "balance", BalanceKind.RoundRobin, ("round-robin", BalanceKind.RoundRobin), ("least-requests", BalanceKind.LeastRequests), ("consistent-hash", BalanceKind.ConsistentHash));
        const string remedy = "write hash: { header: NAME }, { cookie: NAME }, { client_address: true } or { path: true }";
        bool isHash = kind == BalanceKind.ConsistentHash;
        if (upstream.Has("hash") != isHash) upstream.Error(isHash ? "balance" : "hash", isHash ? "consistent-hash needs a key" : "has a meaning with balance: consistent-hash only", remedy);
        if (upstream.Mapping("hash") is not { } hash) return new BalanceConfig(kind);
        var config = new BalanceConfig(kind);
        if (hash.Text("header") is { } header) config = new BalanceConfig(kind, HashKeyKind.Header, header.ToLowerInvariant());
        if (hash.Text("cookie") is { } cookie) config = new BalanceConfig(kind, HashKeyKind.Cookie, cookie);
        if (hash.Flag("path", absent: false)) config = new BalanceConfig(kind, HashKeyKind.Path);
        if (hash.Flag("client_address", absent: false)) config = new BalanceConfig(kind, HashKeyKind.ClientAddress);
        hash.Finish();
        if (!hash.HasOneKey()) report.Error(hash.Line, hash.Path, "has exactly one key", remedy);
        else if (config.Name.Length > 0 && !Pipeline.FieldRules.IsName(config.Name)) report.Error(hash.Line, hash.Path, $"'{config.Name}' is not a name", remedy);
        return config;
    }

    private static UpstreamTimeouts ReadTimeouts(ConfigMapping upstream)
    {
        var defaults = new UpstreamTimeouts();
        if (upstream.Mapping("timeouts") is not { } timeouts) return defaults;
        var read = new UpstreamTimeouts
        {
            Connect = timeouts.Duration("connect", defaults.Connect),
            Headers = timeouts.Duration("headers", defaults.Headers),
            Idle = timeouts.Duration("idle", defaults.Idle),
            Total = timeouts.Duration("total", defaults.Total),
        };
        timeouts.Finish();
        return read;
    }

    private static UpstreamLimits ReadLimits(ConfigMapping upstream)
    {
        var defaults = new UpstreamLimits();
        if (upstream.Mapping("limits") is not { } limits) return defaults;
        var read = new UpstreamLimits
        {
            Connections = limits.OptionalCount("connections", 1, 1_000_000),
            Pending = limits.Count("pending", defaults.Pending, 0, 1_000_000),
            Requests = limits.OptionalCount("requests", 1, 1_000_000),
        };
        limits.Finish();
        return read;
    }
}
