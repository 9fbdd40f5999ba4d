// One HTTP exchange as plugins see it, whatever their metal. The gateway makes one per request and shares it among the plugins of the chain.

using System.Net;

namespace Bimetal.Plugins.Streams;

/// <summary>The messages and the facts of one exchange. Used by one thread at a time.</summary>
public sealed class HttpStream
{
    private PropertyBag? _properties;

    /// <summary>Request fields, with ":method", ":path" (query included), ":authority" and ":scheme" first.</summary>
    public HeaderMap RequestHeaders { get; } = new();

    public HeaderMap RequestTrailers { get; } = new();

    /// <summary>Response fields, with ":status" first; empty until the response has begun.</summary>
    public HeaderMap ResponseHeaders { get; } = new();

    public HeaderMap ResponseTrailers { get; } = new();

    /// <summary>The client's end of the connection.</summary>
    public IPEndPoint? Source { get; set; }

    /// <summary>The gateway's end of the client's connection.</summary>
    public IPEndPoint? Destination { get; set; }

    /// <summary>Negotiated protocol, such as <c>HTTP/1.1</c>.</summary>
    public string Protocol { get; set; } = "HTTP/1.1";

    public string RouteName { get; set; } = "";

    public string UpstreamName { get; set; } = "";

    /// <summary>The upstream's end of the connection, once there is one.</summary>
    public IPEndPoint? UpstreamAddress { get; set; }

    /// <summary>When the first byte of the request was read.</summary>
    public DateTimeOffset StartedAt { get; set; }

    /// <summary>Number of the client's connection, unique within this process.</summary>
    public ulong ConnectionId { get; set; }

    /// <summary>Such as <c>TLSv1.3</c>; empty without TLS.</summary>
    public string TlsVersion { get; set; } = "";

    /// <summary>The server name that the client asked for (SNI); empty without TLS.</summary>
    public string RequestedServerName { get; set; } = "";

    /// <summary>Of the certificate that the client showed and that was verified; null without one.</summary>
    public string? ClientCertificateSubject { get; set; }

    /// <summary>Who sends the request, as an authenticating filter found out; null: nobody asked, or nobody said.</summary>
    public RequestIdentity? Identity { get; set; }

    /// <summary>Request body bytes read so far.</summary>
    public long RequestBodyBytes { get; set; }

    /// <summary>Response body bytes read from the upstream so far.</summary>
    public long ResponseBodyBytes { get; set; }

    /// <summary>Makes the fields of all messages its own: a plugin keeps the stream longer than the gateway keeps the buffers they stand in.</summary>
    public void Own()
    {
        foreach (var map in new[] { RequestHeaders, RequestTrailers, ResponseHeaders, ResponseTrailers }) map.Own();
    }

    /// <summary>What plugins of this exchange told each other with <c>set_property</c>.</summary>
    public PropertyBag Properties => _properties ??= new PropertyBag();
}

/// <summary>What a callback wants done with what it was shown.</summary>
public enum FilterAction
{
    /// <summary>Pass it on to the next filter.</summary>
    Continue,

    /// <summary>Hold it; the plugin continues the stream or answers later, or returns <see cref="Continue"/> from a later callback.</summary>
    Pause,
}

/// <summary>An answer that a plugin gives instead of the upstream.</summary>
/// <param name="Status">HTTP status, 200 to 599.</param>
/// <param name="Headers">Fields besides :status; names and values checked for CR, LF and NUL.</param>
/// <param name="GrpcStatus">gRPC status, or -1.</param>
public sealed record LocalResponse(int Status, HeaderMap Headers, ReadOnlyMemory<byte> Body, int GrpcStatus = -1);
