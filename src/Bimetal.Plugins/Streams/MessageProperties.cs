// The properties below "request" and "response"; a part of PropertyLookup.

using System.Buffers.Text;

namespace Bimetal.Plugins.Streams;

internal static class RequestProperties
{
    public static bool Write(HttpStream stream, ReadOnlySpan<byte> name, ref PropertyWriter writer)
    {
        if (MessageProperties.WriteField(stream.RequestHeaders, "headers"u8, name, ref writer)) return true;
        if (name.SequenceEqual("path"u8)) return MessageProperties.WriteHeader(stream.RequestHeaders, ":path"u8, ref writer);
        if (name.SequenceEqual("url_path"u8)) return WritePathPart(stream, isQuery: false, ref writer);
        if (name.SequenceEqual("query"u8)) return WritePathPart(stream, isQuery: true, ref writer);
        if (name.SequenceEqual("host"u8)) return MessageProperties.WriteHeader(stream.RequestHeaders, ":authority"u8, ref writer);
        if (name.SequenceEqual("scheme"u8)) return MessageProperties.WriteHeader(stream.RequestHeaders, ":scheme"u8, ref writer);
        if (name.SequenceEqual("method"u8)) return MessageProperties.WriteHeader(stream.RequestHeaders, ":method"u8, ref writer);
        if (name.SequenceEqual("referer"u8)) return MessageProperties.WriteHeader(stream.RequestHeaders, "referer"u8, ref writer);
        if (name.SequenceEqual("useragent"u8)) return MessageProperties.WriteHeader(stream.RequestHeaders, "user-agent"u8, ref writer);
        if (name.SequenceEqual("id"u8)) return MessageProperties.WriteHeader(stream.RequestHeaders, "x-request-id"u8, ref writer);
        if (name.SequenceEqual("protocol"u8)) return writer.Text(stream.Protocol);
        if (name.SequenceEqual("time"u8)) return writer.Integer(UnixNanoseconds(stream.StartedAt));
        return MessageProperties.WriteSize(stream.RequestHeaders, stream.RequestTrailers, stream.RequestBodyBytes, name, ref writer);
    }

    private static bool WritePathPart(HttpStream stream, bool isQuery, ref PropertyWriter writer)
    {
        if (!stream.RequestHeaders.TryGet(":path"u8, out var path)) return false;
        int mark = path.Span.IndexOf((byte)'?');
        if (isQuery) return writer.Borrow(mark < 0 ? default : path.Span[(mark + 1)..]);
        return writer.Borrow(mark < 0 ? path.Span : path.Span[..mark]);
    }

    private static long UnixNanoseconds(DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) * TimeSpan.NanosecondsPerTick;
}

internal static class ResponseProperties
{
    public static bool Write(HttpStream stream, ReadOnlySpan<byte> name, ref PropertyWriter writer)
    {
        if (MessageProperties.WriteField(stream.ResponseHeaders, "headers"u8, name, ref writer)) return true;
        if (MessageProperties.WriteField(stream.ResponseTrailers, "trailers"u8, name, ref writer)) return true;
        if (name.SequenceEqual("code"u8)) return WriteCode(stream, ref writer);
        return MessageProperties.WriteSize(stream.ResponseHeaders, stream.ResponseTrailers, stream.ResponseBodyBytes, name, ref writer);
    }

    private static bool WriteCode(HttpStream stream, ref PropertyWriter writer) =>
        stream.ResponseHeaders.TryGet(":status"u8, out var status) && Utf8Parser.TryParse(status.Span, out int code, out _) && writer.Integer(code);
}

internal static class MessageProperties
{
    public static bool WriteHeader(HeaderMap map, ReadOnlySpan<byte> name, ref PropertyWriter writer) =>
        map.TryGet(name, out var value) && writer.Borrow(value.Span);

    /// <summary>A path such as "headers", separator, field name. The field name itself may contain dots.</summary>
    public static bool WriteField(HeaderMap map, ReadOnlySpan<byte> group, ReadOnlySpan<byte> path, ref PropertyWriter writer) =>
        path.StartsWith(group) && path.Length > group.Length && path[group.Length] is 0 or (byte)'.'
        && WriteHeader(map, path[(group.Length + 1)..], ref writer);

    public static bool WriteSize(HeaderMap headers, HeaderMap trailers, long bodyBytes, ReadOnlySpan<byte> name, ref PropertyWriter writer)
    {
        if (name.SequenceEqual("size"u8)) return writer.Integer(bodyBytes);
        return name.SequenceEqual("total_size"u8) && writer.Integer(bodyBytes + headers.TotalBytes + trailers.TotalBytes);
    }
}
