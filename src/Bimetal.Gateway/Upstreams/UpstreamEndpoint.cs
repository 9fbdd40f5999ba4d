// Where one try of a request goes.

using System.Net;
using System.Net.Sockets;

namespace Bimetal.Gateway.Upstreams;

/// <summary>One address of an upstream; equal ones are the same endpoint, also across reloads.</summary>
/// <param name="Address">As configured: scheme, host and port.</param>
/// <param name="Socket">Where to connect; the resolved address when <paramref name="Address"/> has a name.</param>
internal sealed record UpstreamEndpoint(Uri Address, IPEndPoint Socket)
{
    /// <summary>Host and port as configured: what a request without a host gets.</summary>
    public string Authority { get; } = Address.Authority;

    /// <summary>For people: the address, and where it was resolved to.</summary>
    public string Name { get; } = Address.HostNameType == UriHostNameType.Dns ? $"{Address.Authority} ({Socket})" : Address.Authority;

    private readonly int _hash = HashCode.Combine(Address, Socket);

    public bool Equals(UpstreamEndpoint? other) => ReferenceEquals(this, other) || (other is not null && _hash == other._hash && Address == other.Address && Socket.Equals(other.Socket));

    // Asked for with every request.
    public override int GetHashCode() => _hash;

    /// <summary>Null for a name.</summary>
    public static IPAddress? LiteralAddress(Uri address) => IPAddress.TryParse(address.IdnHost, out var literal) ? literal : null;

    /// <summary>IPv4 before IPv6: a name that has both is one server twice, and where IPv6 is not routed every second try would fail.</summary>
    public static IPAddress[] Preferred(IPAddress[] addresses)
    {
        IPAddress[] v4 = [.. addresses.Where(address => address.AddressFamily == AddressFamily.InterNetwork)];
        return v4.Length > 0 ? v4 : addresses;
    }
}
