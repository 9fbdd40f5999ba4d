// Short ways to write header maps in tests.

using System.Text;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Tests.Streams;

internal static class Headers
{
    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    public static void Fill(HeaderMap map, params (string Name, string Value)[] fields)
    {
        foreach (var (name, value) in fields) map.Add(Bytes(name), Bytes(value));
    }

    public static string? Value(this HeaderMap map, string name) =>
        map.TryGet(Bytes(name), out var value) ? Encoding.Latin1.GetString(value.Span) : null;

    /// <summary>All fields, as <c>name=value</c>.</summary>
    public static string[] Lines(this HeaderMap map) => [.. Enumerable.Range(0, map.Count)
        .Select(index => $"{Encoding.Latin1.GetString(map[index].Name.Span)}={Encoding.Latin1.GetString(map[index].Value.Span)}")];

    /// <summary>An exchange with an ordinary request in it.</summary>
    public static HttpStream Request(params (string Name, string Value)[] fields)
    {
        var stream = new HttpStream();
        Fill(stream.RequestHeaders, (":method", "GET"), (":path", "/a/b?q=1"), (":authority", "example.test"), (":scheme", "http"));
        Fill(stream.RequestHeaders, fields);
        return stream;
    }
}
