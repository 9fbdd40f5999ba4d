// Socket addresses as the kernel writes them (struct sockaddr_in and sockaddr_in6).

using System.Buffers.Binary;
using System.Net;

namespace Bimetal.Gateway.Transport;

internal static class SocketAddresses
{
    /// <summary>Room for every address of the two families.</summary>
    public const int MaximumBytes = 28;

    /// <summary>Null for another family. IPv4 addresses that came in over IPv6 are shown as IPv4.</summary>
    public static IPEndPoint? Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 16) return null;
        int family = BitConverter.ToUInt16(bytes);
        int port = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if (family == LinuxCalls.FamilyInet) return new IPEndPoint(new IPAddress(bytes.Slice(4, 4)), port);
        if (family != LinuxCalls.FamilyInet6 || bytes.Length < MaximumBytes) return null;
        var address = new IPAddress(bytes.Slice(8, 16), BitConverter.ToUInt32(bytes[24..]));
        return new IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, port);
    }
}
