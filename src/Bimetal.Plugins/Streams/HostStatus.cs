// What a plugin is told about something that it asked the host for. The numbers are proxy-wasm's, so that both metals can hand them on.

namespace Bimetal.Plugins.Streams;

/// <summary>Result of a host function (<c>proxy_status_t</c>, ABI 0.2.1).</summary>
public enum HostStatus
{
    Ok = 0,
    NotFound = 1,
    BadArgument = 2,
    SerializationFailure = 3,
    ParseFailure = 4,
    InvalidMemoryAccess = 6,
    Empty = 7,
    CasMismatch = 8,
    InternalFailure = 10,
    Unimplemented = 12,
}

/// <summary>The four header maps of an exchange; the numbers are those of <c>proxy_map_type_t</c>.</summary>
public enum HeaderMapKind
{
    RequestHeaders = 0,
    RequestTrailers = 1,
    ResponseHeaders = 2,
    ResponseTrailers = 3,
}

/// <summary>Callbacks that a stream makes into a plugin.</summary>
public enum StreamCallback
{
    /// <summary>No callback of the stream is running.</summary>
    None = 0,
    RequestHeaders,
    RequestBody,
    RequestTrailers,
    ResponseHeaders,
    ResponseBody,
    ResponseTrailers,
    Log,
}
