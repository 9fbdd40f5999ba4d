// Why the gateway could not pass an exchange on: phase x side x cause, and whether another try could help. ErrorStatus maps it to a status.

namespace Bimetal.Gateway.Pipeline;

/// <summary>What the gateway was doing.</summary>
public enum ErrorPhase
{
    Routing,
    RequestHeaders,
    RequestBody,
    Connect,
    UpstreamRequest,
    ResponseHeaders,
    ResponseBody,
}

/// <summary>Who is the reason.</summary>
public enum ErrorSide
{
    Client,
    Gateway,
    Plugin,
    Upstream,
}

public enum ErrorCause
{
    /// <summary>Bytes that break the protocol.</summary>
    Malformed,

    /// <summary>No route has this host and path.</summary>
    NoRoute,

    /// <summary>Routes have this host and path, but with other methods.</summary>
    MethodNotAllowed,

    /// <summary>Larger than a named limit.</summary>
    TooLarge,

    /// <summary>Request line longer than its limit.</summary>
    TargetTooLong,

    /// <summary>Header fields or trailers beyond their limits.</summary>
    FieldsTooLarge,

    /// <summary>An HTTP version that is not spoken here.</summary>
    UnknownVersion,

    /// <summary>A named time passed.</summary>
    Timeout,

    /// <summary>The connection was closed or reset.</summary>
    Aborted,

    /// <summary>No connection could be made.</summary>
    Refused,

    /// <summary>A named limit on what may go on at once is reached.</summary>
    Busy,

    /// <summary>Not loaded, no instance free, or held for too long.</summary>
    Unavailable,

    /// <summary>It ran and failed.</summary>
    Failed,
}

/// <summary>One failure of one exchange.</summary>
/// <param name="Retryable">The upstream cannot have acted on the request: sending it again is safe.</param>
/// <param name="Detail">For the log only; never sent to the client.</param>
public sealed record GatewayError(ErrorPhase Phase, ErrorSide Side, ErrorCause Cause, bool Retryable, string Detail)
{
    /// <summary>What the client sees of it, such as <c>upstream-timeout</c>.</summary>
    public string Code => (Side, Cause) switch
    {
        (_, ErrorCause.NoRoute) => "no-route",
        (_, ErrorCause.MethodNotAllowed) => "method-not-allowed",
        (ErrorSide.Client, ErrorCause.Malformed) => "bad-request",
        (ErrorSide.Client, ErrorCause.TooLarge) => "body-too-large",
        (_, ErrorCause.TargetTooLong) => "target-too-long",
        (_, ErrorCause.FieldsTooLarge) => "fields-too-large",
        (_, ErrorCause.UnknownVersion) => "unknown-version",
        (ErrorSide.Client, ErrorCause.Timeout) => "request-timeout",
        (ErrorSide.Client, ErrorCause.Aborted) => "client-gone",
        (ErrorSide.Plugin, ErrorCause.Unavailable) => "plugin-unavailable",
        (ErrorSide.Plugin, _) => "plugin-failed",
        (ErrorSide.Gateway, ErrorCause.Busy) => "route-busy",
        (ErrorSide.Gateway, ErrorCause.Unavailable) => "gateway-full",
        (ErrorSide.Upstream, ErrorCause.Busy) => "upstream-busy",
        (ErrorSide.Upstream, ErrorCause.Unavailable) => "upstream-unavailable",
        (ErrorSide.Upstream, ErrorCause.Timeout) => "upstream-timeout",
        (ErrorSide.Upstream, ErrorCause.Refused) => "upstream-unreachable",
        (ErrorSide.Upstream, _) => "upstream-failed",
        _ => "gateway-failed",
    };
}

/// <summary>An error on its way up to the exchange that answers it.</summary>
public sealed class GatewayException(GatewayError error, Exception? inner = null) : Exception(error.Detail, inner)
{
    public GatewayError Error { get; } = error;
}
