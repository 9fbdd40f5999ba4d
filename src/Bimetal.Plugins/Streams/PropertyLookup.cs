// The properties that plugins of both metals can ask for. A path is given with NUL between its segments, as proxy-wasm SDKs send it, or
// with dots. Integers are 8 bytes little-endian, booleans one byte, times nanoseconds: as Envoy encodes them. docs/proxy-wasm.md lists them.

using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Unicode;

namespace Bimetal.Plugins.Streams;

/// <summary>Facts about the plugin itself that it can ask for.</summary>
public sealed record PluginIdentity(string Name, string RootId, string VmId);

/// <summary>Looks properties up.</summary>
public static class PropertyLookup
{
    /// <summary>Bytes of scratch space that a caller should offer: enough for numbers, addresses and most names.</summary>
    public const int ScratchBytes = 256;

    /// <summary>Longest path that is looked at.</summary>
    private const int MaximumPathBytes = 1024;

    /// <summary>
    /// Finds a property. <paramref name="value"/> points into <paramref name="scratch"/> or into bytes that live as long as the stream.
    /// </summary>
    /// <param name="view">Null for a plugin that is asked outside of any stream.</param>
    public static bool TryGet(StreamView? view, PluginIdentity identity, ReadOnlySpan<byte> path, Span<byte> scratch, out ReadOnlySpan<byte> value)
    {
        var writer = new PropertyWriter(scratch);
        bool found = path.Length <= MaximumPathBytes
            && (WritePluginFact(identity, path, ref writer) || (view is { IsReadable: true } && Write(view, path, ref writer)));
        value = writer.Value;
        return found;
    }

    /// <summary>True for paths that the host answers itself, so that a plugin cannot set them.</summary>
    public static bool IsReserved(ReadOnlySpan<byte> path)
    {
        Split(path, out var first, out _);
        return first.SequenceEqual("request"u8) || first.SequenceEqual("response"u8) || first.SequenceEqual("source"u8)
            || first.SequenceEqual("destination"u8) || first.SequenceEqual("connection"u8) || first.SequenceEqual("upstream"u8)
            || first.SequenceEqual("plugin_name"u8) || first.SequenceEqual("plugin_root_id"u8) || first.SequenceEqual("plugin_vm_id"u8)
            || first.SequenceEqual("route_name"u8) || first.SequenceEqual("cluster_name"u8) || first.SequenceEqual("xds"u8);
    }

    private static bool WritePluginFact(PluginIdentity identity, ReadOnlySpan<byte> path, ref PropertyWriter writer)
    {
        path = path.TrimEnd((byte)0);
        if (path.SequenceEqual("plugin_name"u8)) return writer.Text(identity.Name);
        if (path.SequenceEqual("plugin_root_id"u8)) return writer.Text(identity.RootId);
        return path.SequenceEqual("plugin_vm_id"u8) && writer.Text(identity.VmId);
    }

    private static bool Write(StreamView view, ReadOnlySpan<byte> path, ref PropertyWriter writer)
    {
        Split(path, out var first, out var rest);
        var stream = view.Stream;
        if (first.SequenceEqual("request"u8)) return RequestProperties.Write(stream, rest, ref writer);
        if (first.SequenceEqual("response"u8)) return ResponseProperties.Write(stream, rest, ref writer);
        if (first.SequenceEqual("source"u8)) return WriteAddress(stream.Source, rest, ref writer);
        if (first.SequenceEqual("destination"u8)) return WriteAddress(stream.Destination, rest, ref writer);
        if (first.SequenceEqual("upstream"u8)) return WriteAddress(stream.UpstreamAddress, rest, ref writer);
        if (first.SequenceEqual("connection"u8)) return WriteConnection(stream, rest, ref writer);
        if (first.SequenceEqual("xds"u8)) first = rest;
        if (first.SequenceEqual("route_name"u8)) return writer.Text(stream.RouteName);
        if (first.SequenceEqual("cluster_name"u8)) return writer.Text(stream.UpstreamName);
        return stream.Properties.TryGet(path, out var set) && writer.Borrow(set.Span);
    }

    private static bool WriteAddress(IPEndPoint? endPoint, ReadOnlySpan<byte> rest, ref PropertyWriter writer)
    {
        if (endPoint is null) return false;
        if (rest.SequenceEqual("address"u8)) return writer.Address(endPoint);
        return rest.SequenceEqual("port"u8) && writer.Integer(endPoint.Port);
    }

    private static bool WriteConnection(HttpStream stream, ReadOnlySpan<byte> rest, ref PropertyWriter writer)
    {
        if (rest.SequenceEqual("id"u8)) return writer.Integer((long)stream.ConnectionId);
        if (rest.SequenceEqual("mtls"u8)) return writer.Boolean(stream.ClientCertificateSubject is not null);
        if (rest.SequenceEqual("subject_peer_certificate"u8)) return stream.ClientCertificateSubject is { } subject && writer.Text(subject);
        if (rest.SequenceEqual("tls_version"u8)) return stream.TlsVersion.Length > 0 && writer.Text(stream.TlsVersion);
        return rest.SequenceEqual("requested_server_name"u8) && stream.RequestedServerName.Length > 0 && writer.Text(stream.RequestedServerName);
    }

    /// <summary>Cuts off the first segment. NUL separates segments and may also end the path; dots do if there is no NUL inside.</summary>
    internal static void Split(ReadOnlySpan<byte> path, out ReadOnlySpan<byte> first, out ReadOnlySpan<byte> rest)
    {
        path = path.TrimEnd((byte)0);
        int separator = path.IndexOf((byte)0);
        if (separator < 0) separator = path.IndexOf((byte)'.');
        first = separator < 0 ? path : path[..separator];
        rest = separator < 0 ? default : path[(separator + 1)..];
    }
}

/// <summary>Takes one value: into the scratch space where it fits, by reference where the bytes exist already.</summary>
internal ref struct PropertyWriter(Span<byte> scratch)
{
    private readonly Span<byte> _scratch = scratch;

    public ReadOnlySpan<byte> Value { get; private set; }

    public bool Borrow(ReadOnlySpan<byte> bytes)
    {
        Value = bytes;
        return true;
    }

    public bool Text(string text)
    {
        if (Encoding.UTF8.TryGetBytes(text, _scratch, out int written)) return Borrow(_scratch[..written]);
        return Borrow(Encoding.UTF8.GetBytes(text));
    }

    /// <summary>Address and port, such as <c>127.0.0.1:8080</c> or <c>[::1]:8080</c>.</summary>
    public bool Address(IPEndPoint endPoint)
    {
        var address = endPoint.Address.IsIPv4MappedToIPv6 ? endPoint.Address.MapToIPv4() : endPoint.Address;
        bool written = address.AddressFamily == AddressFamily.InterNetworkV6
            ? Utf8.TryWrite(_scratch, $"[{address}]:{endPoint.Port}", out int lengthBytes)
            : Utf8.TryWrite(_scratch, $"{address}:{endPoint.Port}", out lengthBytes);
        return written && Borrow(_scratch[..lengthBytes]);
    }

    public bool Integer(long number)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_scratch, number);
        return Borrow(_scratch[..sizeof(long)]);
    }

    public bool Boolean(bool isTrue)
    {
        _scratch[0] = isTrue ? (byte)1 : (byte)0;
        return Borrow(_scratch[..1]);
    }
}
