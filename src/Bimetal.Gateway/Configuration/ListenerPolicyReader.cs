// What stands below a listener besides its address and TLS: limits and the proxies that it trusts.

using Bimetal.Gateway.Filters;

namespace Bimetal.Gateway.Configuration;

internal static class ListenerPolicyReader
{
    private const string NetworkRemedy = "write trusted_proxies: [10.0.0.0/8, 2001:db8::/32]";

    public static ListenerLimits ReadLimits(ConfigMapping listener)
    {
        var defaults = new ListenerLimits();
        if (listener.Mapping("limits") is not { } limits) return defaults;
        var read = new ListenerLimits
        {
            UriBytes = (int)limits.Size("uri", defaults.UriBytes, 64, 64 << 10),
            HeaderBytes = (int)limits.Size("headers", defaults.HeaderBytes, 1 << 10, 64 << 10),
            HeaderCount = limits.Count("header_count", defaults.HeaderCount, 8, 1000),
            BodyBytes = limits.OptionalSize("body", 0, long.MaxValue),
            Streams = limits.Count("streams", defaults.Streams, 1, 10_000),
            Connections = limits.Count("connections", defaults.Connections, 1, 1_000_000),
            ConnectionsPerClient = limits.OptionalCount("connections_per_client", 1, 1_000_000),
            HandshakeTimeout = Time(limits, "handshake_timeout", defaults.HandshakeTimeout),
            HeaderTimeout = Time(limits, "header_timeout", defaults.HeaderTimeout),
            BodyTimeout = limits.Duration("body_timeout", defaults.BodyTimeout),
            IdleTimeout = Time(limits, "idle_timeout", defaults.IdleTimeout),
        };
        limits.Finish();
        return read;
    }

    public static TrustedNetworks? ReadTrust(ConfigMapping listener)
    {
        var texts = listener.Texts("trusted_proxies", NetworkRemedy);
        var networks = new NetworkTrie();
        foreach (string text in texts)
        {
            if (IpFilterReader.Add(networks, text, isAllowed: true) is { } problem) listener.Error("trusted_proxies", $"'{text}' {problem}", NetworkRemedy);
            else if (text.EndsWith("/0", StringComparison.Ordinal)) listener.Warn("trusted_proxies", $"{text} lets every client say who it is", "name the addresses of your proxies");
        }

        return texts.Count == 0 ? null : new TrustedNetworks(texts, networks);
    }

    // A connection that is waited for without end is what slow clients want.
    private static TimeSpan Time(ConfigMapping limits, string key, TimeSpan absent)
    {
        if (limits.Duration(key, absent) is { } time) return time;
        limits.Error(key, "cannot be none: clients that send nothing would keep their connections", "write a duration, such as 60s");
        return absent;
    }
}
