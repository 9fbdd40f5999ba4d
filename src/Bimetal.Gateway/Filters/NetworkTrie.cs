// Networks by prefix: one binary trie for IPv4 and one for IPv6. The longest prefix of an address decides; a lookup takes at most 32 or 128 steps,
// however many networks there are.

using System.Net;
using System.Net.Sockets;

namespace Bimetal.Gateway.Filters;

/// <summary>Filled before it is used; then it may be read by any thread.</summary>
internal sealed class NetworkTrie
{
    // Node 0 is the root of IPv4, node 1 that of IPv6. A child of 0 is none: no node has a root below it.
    private readonly List<Node> _nodes = [default, default];

    public int Count { get; private set; }

    /// <summary>Adds a network; false when it is there with the other verdict.</summary>
    public bool TryAdd(ReadOnlySpan<byte> address, int prefixBits, bool isAllowed)
    {
        int place = address.Length == 4 ? 0 : 1;
        for (int bit = 0; bit < prefixBits; bit++)
        {
            bool isOne = IsOne(address, bit);
            int child = isOne ? _nodes[place].One : _nodes[place].Zero;
            if (child == 0)
            {
                child = _nodes.Count;
                _nodes.Add(default);
                _nodes[place] = isOne ? _nodes[place] with { One = child } : _nodes[place] with { Zero = child };
            }

            place = child;
        }

        if (_nodes[place].IsAllowed is { } there) return there == isAllowed;
        _nodes[place] = _nodes[place] with { IsAllowed = isAllowed };
        Count++;
        return true;
    }

    /// <summary>The verdict of the longest prefix; null when no network has the address. IPv4 in IPv6 form counts as IPv4.</summary>
    public bool? Find(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        if (length == 4) return Find(bytes[..4], 0);
        return address.IsIPv4MappedToIPv6 ? Find(bytes[12..], 0) : Find(bytes, 1);
    }

    private bool? Find(ReadOnlySpan<byte> address, int place)
    {
        bool? found = _nodes[place].IsAllowed;
        for (int bit = 0; bit < address.Length * 8; bit++)
        {
            place = IsOne(address, bit) ? _nodes[place].One : _nodes[place].Zero;
            if (place == 0) break;
            found = _nodes[place].IsAllowed ?? found;
        }

        return found;
    }

    private static bool IsOne(ReadOnlySpan<byte> address, int bit) => (address[bit / 8] & (0x80 >> (bit % 8))) != 0;

    private readonly record struct Node(int Zero, int One, bool? IsAllowed);
}
