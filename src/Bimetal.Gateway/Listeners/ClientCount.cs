// How many connections each client has: the addresses that listeners with a limit for that have seen.

using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;

namespace Bimetal.Gateway.Listeners;

/// <summary>Thread-safe; holds an entry per client that has a connection.</summary>
internal sealed class ClientCount
{
    private readonly ConcurrentDictionary<UInt128, int> _connections = new();

    /// <summary>Counts a connection in; false, and it is not counted, when the client has as many as it may have.</summary>
    public bool TryEnter(IPAddress address, int limit)
    {
        var key = KeyOf(address);
        while (true)
        {
            int count = _connections.GetValueOrDefault(key);
            if (count >= limit) return false;
            if (count == 0 ? _connections.TryAdd(key, 1) : _connections.TryUpdate(key, count + 1, count)) return true;
        }
    }

    public void Exit(IPAddress address)
    {
        var key = KeyOf(address);
        while (_connections.TryGetValue(key, out int count))
        {
            if (count == 1 ? _connections.TryRemove(new KeyValuePair<UInt128, int>(key, 1)) : _connections.TryUpdate(key, count - 1, count)) return;
        }
    }

    // One IPv6 client has a whole /64.
    private static UInt128 KeyOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        address.TryWriteBytes(bytes, out int length);
        if (length == 16) bytes[8..].Clear();
        else bytes[15] = 4;
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }
}
