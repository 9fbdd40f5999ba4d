// The section upstreams:.

using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

internal static class UpstreamReader
{
    private const string EndpointRemedy = "write http://HOST:PORT";

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
        var endpoints = new List<Uri>();
        foreach (var (path, node) in upstream.Sequence("endpoints", "write endpoints: [http://127.0.0.1:9000]"))
        {
            if (ReadEndpoint(path, node, report) is { } endpoint) endpoints.Add(endpoint);
        }

        if (!upstream.Has("endpoints")) upstream.Error("endpoints", "is required", "write endpoints: [http://127.0.0.1:9000]");
        else if (upstream.Take("endpoints") is YamlSequenceNode { Children.Count: 0 }) upstream.Error("endpoints", "is empty", "name at least one endpoint");
        if (upstream.Text("balance") is { } balance && balance != "round-robin")
        {
            bool known = balance is "least-requests" or "consistent-hash" or "weighted";
            upstream.Error("balance", known ? $"'{balance}' is not implemented in this version of Bimetal yet" : $"'{balance}' is not known here", "allowed: round-robin");
        }

        var timeouts = ReadTimeouts(upstream);
        upstream.NotImplemented("health", "retries", "tls", "http2", "limits");
        upstream.Finish();
        return new UpstreamConfig { Name = name, Endpoints = endpoints, Timeouts = timeouts };
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
        };
        timeouts.NotImplemented("total");
        timeouts.Finish();
        return read;
    }

    private static Uri? ReadEndpoint(string path, YamlNode node, ConfigReport report)
    {
        if (node is not YamlScalarNode { Value: { Length: > 0 } text })
        {
            report.Error(node.Start.Line, path, "must be a URL", EndpointRemedy);
            return null;
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Host.Length == 0)
            report.Error(node.Start.Line, path, $"'{text}' is not a URL", EndpointRemedy);
        else if (uri.Scheme == Uri.UriSchemeHttps)
            report.Error(node.Start.Line, path, "TLS to upstreams is not implemented in this version of Bimetal yet", EndpointRemedy);
        else if (uri.Scheme != Uri.UriSchemeHttp)
            report.Error(node.Start.Line, path, $"'{uri.Scheme}' is not a scheme for upstreams", EndpointRemedy);
        else if (uri.PathAndQuery != "/" || uri.UserInfo.Length > 0 || uri.Fragment.Length > 0)
            report.Error(node.Start.Line, path, "an endpoint has no path, query or user: requests keep their own path", EndpointRemedy);
        else
            return uri;
        return null;
    }
}
