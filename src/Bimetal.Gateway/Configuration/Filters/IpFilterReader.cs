// The entry ip_filter: of a route's filters.

using System.Net;
using System.Net.Sockets;
using System.Text;
using Bimetal.Gateway.Filters;

namespace Bimetal.Gateway.Configuration;

/// <summary><c>ip_filter:</c>, checked.</summary>
/// <param name="Networks">Both lists in one trie: the most specific network decides.</param>
/// <param name="AllowsOthers">Whether addresses of no network pass: there is no list of those that may.</param>
internal sealed record IpFilterConfig(NetworkTrie Networks, bool AllowsOthers) : FilterConfig;

internal static class IpFilterReader
{
    /// <summary>Most networks of one filter.</summary>
    public const int MaximumNetworks = 500_000;

    private const int MaximumFileBytes = 32 << 20;
    private const string Remedy = "write an address or a network such as 10.0.0.0/8 or 2001:db8::/32";

    public static FilterConfig Read(ConfigMapping filter, FilterSurroundings surroundings)
    {
        var networks = new NetworkTrie();
        bool allows = ReadList(filter, "allow", isAllowed: true, networks);
        bool denies = ReadList(filter, "deny", isAllowed: false, networks);
        if (!allows && !denies) filter.Error("allow", "there is no list", "write allow: [10.0.0.0/8] or deny: [192.0.2.0/24], or allow_file or deny_file");
        if (networks.Count > MaximumNetworks) filter.Error("allow", $"there are more than {MaximumNetworks} networks");
        return new IpFilterConfig(networks, AllowsOthers: !allows);
    }

    private static bool ReadList(ConfigMapping filter, string key, bool isAllowed, NetworkTrie networks)
    {
        foreach (string text in filter.Texts(key, Remedy))
        {
            if (Add(networks, text, isAllowed) is { } problem) filter.Error(key, $"'{text}' {problem}", Remedy);
        }

        string fileKey = key + "_file";
        int line = 0;
        foreach (string text in Encoding.UTF8.GetString(filter.FileBytes(fileKey, MaximumFileBytes) ?? []).Split('\n'))
        {
            line++;
            string network = text.Split('#')[0].Trim();
            if (network.Length == 0 || Add(networks, network, isAllowed) is not { } problem) continue;
            filter.Error(fileKey, $"line {line}: '{network}' {problem}", Remedy);
            break;
        }

        return filter.Has(key) || filter.Has(fileKey);
    }

    /// <summary>Adds a network as it is written; gives what is wrong with it, or null.</summary>
    internal static string? Add(NetworkTrie networks, string text, bool isAllowed)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        string host = slash < 0 ? text : text[..slash];

        // Not "10" nor "0x7f.1", which the parser takes as well.
        bool isV4 = host.Count(character => character == '.') == 3 && !host.Contains(':', StringComparison.Ordinal);
        if ((!isV4 && !host.Contains(':', StringComparison.Ordinal)) || !IPAddress.TryParse(host, out var address) || host.Contains('%', StringComparison.Ordinal)) return "is not an address";
        if (isV4 && address.ToString() != host) return "is not an address";
        if (address.IsIPv4MappedToIPv6) return "is an IPv4 address in IPv6 form: write it as IPv4";
        int bits = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128, length = bits;
        if (slash >= 0 && (!int.TryParse(text.AsSpan(slash + 1), System.Globalization.NumberStyles.None, null, out length) || length > bits)) return $"has no prefix length from 0 to {bits}";
        byte[] bytes = address.GetAddressBytes();
        for (int bit = length; bit < bits; bit++)
        {
            if ((bytes[bit / 8] & (0x80 >> (bit % 8))) != 0) return $"has bits set behind its prefix of {length}";
        }

        return networks.TryAdd(bytes, length, isAllowed) ? null : "stands in both lists";
    }
}
