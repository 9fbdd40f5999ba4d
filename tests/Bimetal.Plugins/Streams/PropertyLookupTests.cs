// The properties and how they are encoded.

using System.Buffers.Binary;
using System.Net;
using System.Text;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Tests.Streams;

public sealed class PropertyLookupTests
{
    private readonly HttpStream _stream = Headers.Request(("x.with.dots", "dotted"), ("user-agent", "test"));

    public PropertyLookupTests()
    {
        _stream.Source = new IPEndPoint(IPAddress.Parse("192.0.2.7"), 4711);
        _stream.Destination = new IPEndPoint(IPAddress.IPv6Loopback, 8080);
        _stream.RouteName = "r1";
        _stream.UpstreamName = "api";
        _stream.RequestBodyBytes = 12;
        _stream.StartedAt = DateTimeOffset.UnixEpoch.AddTicks(15);
        Headers.Fill(_stream.ResponseHeaders, (":status", "204"), ("x-r", "v"));
    }

    [Theory]
    [InlineData("request\0path", "/a/b?q=1")]
    [InlineData("request\0path\0", "/a/b?q=1")]
    [InlineData("request.path", "/a/b?q=1")]
    [InlineData("request\0url_path", "/a/b")]
    [InlineData("request\0query", "q=1")]
    [InlineData("request\0host", "example.test")]
    [InlineData("request\0scheme", "http")]
    [InlineData("request\0method", "GET")]
    [InlineData("request\0protocol", "HTTP/1.1")]
    [InlineData("request\0useragent", "test")]
    [InlineData("request\0headers\0x.with.dots", "dotted")]
    [InlineData("request.headers.x.with.dots", "dotted")]
    [InlineData("response\0headers\0x-r", "v")]
    [InlineData("source\0address", "192.0.2.7:4711")]
    [InlineData("destination\0address", "[::1]:8080")]
    [InlineData("plugin_name", "p")]
    [InlineData("plugin_vm_id", "vm")]
    [InlineData("plugin_root_id", "")]
    [InlineData("route_name", "r1")]
    [InlineData("xds\0route_name", "r1")]
    [InlineData("cluster_name", "api")]
    public void Texts_AreTheirBytes(string path, string expected) => Assert.Equal(expected, Encoding.Latin1.GetString(Find(path)!));

    [Theory]
    [InlineData("response\0code", 204)]
    [InlineData("source\0port", 4711)]
    [InlineData("destination\0port", 8080)]
    [InlineData("request\0size", 12)]
    [InlineData("request\0time", 1500)]
    public void Integers_AreEightBytesLittleEndian(string path, long expected)
    {
        byte[] value = Find(path)!;
        Assert.Equal(8, value.Length);
        Assert.Equal(expected, BinaryPrimitives.ReadInt64LittleEndian(value));
    }

    [Fact]
    public void Booleans_AreOneByte() => Assert.Equal([0], Find("connection\0mtls")!);

    [Theory]
    [InlineData("")]
    [InlineData("\0")]
    [InlineData("request")]
    [InlineData("request\0headers")]
    [InlineData("request\0headers\0absent")]
    [InlineData("request\0nothing")]
    [InlineData("upstream\0address")]
    [InlineData("connection\0tls_version")]
    [InlineData("whatever")]
    public void UnknownPaths_AreNotFound(string path) => Assert.Null(Find(path));

    [Fact]
    public void LongTexts_AreNotCut()
    {
        _stream.RouteName = new string('r', 2 * PropertyLookup.ScratchBytes);
        Assert.Equal(_stream.RouteName, Encoding.Latin1.GetString(Find("route_name")!));
    }

    [Fact]
    public void SetProperties_AreFound()
    {
        Assert.Equal(HostStatus.Ok, View().SetProperty("mine\0deep"u8, "x"u8));
        Assert.Equal("x"u8.ToArray(), Find("mine\0deep"));
    }

    [Fact]
    public void OutsideOfStreams_OnlyThePluginItselfIsKnown()
    {
        Span<byte> scratch = stackalloc byte[PropertyLookup.ScratchBytes];
        var identity = new PluginIdentity("p", "", "vm");
        Assert.True(PropertyLookup.TryGet(null, identity, "plugin_name"u8, scratch, out _));
        Assert.False(PropertyLookup.TryGet(null, identity, "request\0path"u8, scratch, out _));
    }

    private StreamView View()
    {
        var view = new StreamView(_stream, 0);
        view.Enter(StreamCallback.Log, endOfStream: true);
        return view;
    }

    private byte[]? Find(string path)
    {
        Span<byte> scratch = stackalloc byte[PropertyLookup.ScratchBytes];
        bool found = PropertyLookup.TryGet(View(), new PluginIdentity("p", "", "vm"), Headers.Bytes(path), scratch, out var value);
        return found ? value.ToArray() : null;
    }
}
