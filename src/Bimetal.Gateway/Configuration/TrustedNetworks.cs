// The proxies in front of the gateway whose word about the client counts.

using System.Net;
using Bimetal.Gateway.Filters;

namespace Bimetal.Gateway.Configuration;

/// <summary><c>listeners[].trusted_proxies:</c>. Equal when the lists are; thread-safe.</summary>
public sealed class TrustedNetworks : IEquatable<TrustedNetworks>
{
    private readonly string[] _texts;
    private readonly NetworkTrie _networks;

    internal TrustedNetworks(IEnumerable<string> texts, NetworkTrie networks)
    {
        _texts = [.. texts];
        _networks = networks;
    }

    public bool Contains(IPAddress address) => _networks.Find(address) == true;

    public bool Equals(TrustedNetworks? other) => other is not null && _texts.SequenceEqual(other._texts);

    public override bool Equals(object? obj) => Equals(obj as TrustedNetworks);

    public override int GetHashCode() => _texts.Length;
}
