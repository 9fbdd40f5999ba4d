// The errors of an exchange that are raised again and again, made once.

using Bimetal.Gateway.Http1;
using Bimetal.Gateway.Routing;

namespace Bimetal.Gateway.Pipeline;

internal static class ExchangeErrors
{
    public static GatewayError ClientGone { get; } = new(ErrorPhase.RequestHeaders, ErrorSide.Client, ErrorCause.Aborted, Retryable: false, "the client closed the connection");

    public static GatewayError RequestHeadersTimeout { get; } = new(ErrorPhase.RequestHeaders, ErrorSide.Client, ErrorCause.Timeout, Retryable: false, "the request's headers did not come in time");

    public static GatewayError RequestBodyTimeout { get; } = new(ErrorPhase.RequestBody, ErrorSide.Client, ErrorCause.Timeout, Retryable: false, "no byte of the request body within the idle timeout");

    public static GatewayError RequestWriteTimeout { get; } = new(ErrorPhase.UpstreamRequest, ErrorSide.Upstream, ErrorCause.Timeout, Retryable: false, "the upstream took no byte of the request within the idle timeout");

    public static GatewayError ResponseHeadersTimeout { get; } = new(ErrorPhase.ResponseHeaders, ErrorSide.Upstream, ErrorCause.Timeout, Retryable: false, "no response headers within the headers timeout");

    public static GatewayError ResponseBodyTimeout { get; } = new(ErrorPhase.ResponseBody, ErrorSide.Upstream, ErrorCause.Timeout, Retryable: false, "no byte of the response body within the idle timeout");

    public static GatewayError ResponseWriteTimeout { get; } = new(ErrorPhase.ResponseBody, ErrorSide.Client, ErrorCause.Timeout, Retryable: false, "the client took no byte of the response within the idle timeout");

    /// <summary>For the log: how a tunnel ended that nobody used.</summary>
    public static GatewayError TunnelIdle { get; } = new(ErrorPhase.ResponseBody, ErrorSide.Client, ErrorCause.Timeout, Retryable: false, "no byte in either direction within the idle timeout");

    public static GatewayError BadRequestBody(string detail) => new(ErrorPhase.RequestBody, ErrorSide.Client, ErrorCause.Malformed, Retryable: false, detail);

    public static GatewayError BadRequest(string detail) => new(ErrorPhase.RequestHeaders, ErrorSide.Client, ErrorCause.Malformed, Retryable: false, detail);

    /// <summary>A request head that breaks HTTP or a limit.</summary>
    public static GatewayError OfHead(HeadProblem problem) => new(ErrorPhase.RequestHeaders, ErrorSide.Client, CauseOf(problem.Status), Retryable: false, problem.Detail);

    /// <summary>The same for a request's body.</summary>
    public static GatewayError OfBody(int status, string detail) => new(ErrorPhase.RequestBody, ErrorSide.Client, CauseOf(status), Retryable: false, detail);

    public static GatewayError BadTarget { get; } = new(ErrorPhase.RequestHeaders, ErrorSide.Client, ErrorCause.Malformed, Retryable: false, "the request target is not valid");

    public static GatewayError TargetTooLong { get; } = new(ErrorPhase.RequestHeaders, ErrorSide.Client, ErrorCause.TargetTooLong, Retryable: false, "the request target is longer than limits.uri of the listener");

    public static GatewayError RequestTimeout { get; } = new(ErrorPhase.RequestBody, ErrorSide.Client, ErrorCause.Timeout, Retryable: false, "the request body did not come within limits.body_timeout of the listener");

    public static GatewayError RouteBusy(Route route) => new(
        ErrorPhase.Routing, ErrorSide.Gateway, ErrorCause.Busy, Retryable: false, $"limits.requests ({route.Config.Limits.Requests}) of the route is reached");

    public static GatewayError MemoryFull { get; } = new(ErrorPhase.Routing, ErrorSide.Gateway, ErrorCause.Unavailable, Retryable: false, "limits.memory is reached");

    public static GatewayError RequestBodyTooLarge(long? limit) => new(
        ErrorPhase.RequestBody, ErrorSide.Client, ErrorCause.TooLarge, Retryable: false, $"the request body is larger than limits.body ({limit} bytes) of the route or the listener");

    public static GatewayError TryTimeout { get; } = new(ErrorPhase.ResponseHeaders, ErrorSide.Upstream, ErrorCause.Timeout, Retryable: false, "no response headers within retries.per_try");

    public static GatewayError TotalTimeout { get; } = new(ErrorPhase.ResponseHeaders, ErrorSide.Upstream, ErrorCause.Timeout, Retryable: false, "no whole response within the total timeout");

    public static GatewayError NoRoute { get; } = new(ErrorPhase.Routing, ErrorSide.Client, ErrorCause.NoRoute, Retryable: false, "no route has this host and path");

    public static GatewayError MethodNotAllowed { get; } = new(ErrorPhase.Routing, ErrorSide.Client, ErrorCause.MethodNotAllowed, Retryable: false, "routes have this path, but with other methods");

    private static ErrorCause CauseOf(int status) => status switch
    {
        414 => ErrorCause.TargetTooLong,
        431 => ErrorCause.FieldsTooLarge,
        505 => ErrorCause.UnknownVersion,
        _ => ErrorCause.Malformed,
    };

    public static GatewayError Bug(Exception exception) => new(ErrorPhase.Routing, ErrorSide.Gateway, ErrorCause.Failed, Retryable: false, $"{exception.GetType().Name}: {exception.Message}");

    public static GatewayError ResponseBroken(Exception exception) => new(ErrorPhase.ResponseBody, ErrorSide.Upstream, ErrorCause.Aborted, Retryable: false, "the response body broke off: " + exception.Message);
}
