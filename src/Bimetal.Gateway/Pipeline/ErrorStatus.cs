// The one place where a GatewayError becomes an HTTP status.

namespace Bimetal.Gateway.Pipeline;

internal static class ErrorStatus
{
    /// <summary>For the log only: the client went away before there was an answer.</summary>
    public const int ClientGone = 499;

    public static int Of(GatewayError error) => (error.Side, error.Cause, error.Phase) switch
    {
        (_, ErrorCause.NoRoute, _) => 404,
        (_, ErrorCause.MethodNotAllowed, _) => 405,
        (ErrorSide.Client, ErrorCause.Malformed, _) => 400,
        (ErrorSide.Client, ErrorCause.TooLarge, _) => 413,
        (ErrorSide.Client, ErrorCause.TargetTooLong, _) => 414,
        (ErrorSide.Client, ErrorCause.FieldsTooLarge, _) => 431,
        (ErrorSide.Client, ErrorCause.UnknownVersion, _) => 505,
        (ErrorSide.Client, ErrorCause.Timeout, _) => 408,
        (ErrorSide.Client, ErrorCause.Aborted, _) => ClientGone,
        (_, ErrorCause.Busy, _) => 503,
        (_, ErrorCause.Unavailable, _) => 503,

        // A response that is larger than a plugin may hold is a 500 as well: neither the client nor the upstream did wrong.
        (ErrorSide.Plugin, _, _) => 500,
        (ErrorSide.Upstream, ErrorCause.Timeout, _) => 504,
        (ErrorSide.Upstream, _, _) => 502,
        _ => 500,
    };
}
