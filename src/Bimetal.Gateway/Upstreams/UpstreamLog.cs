// The gateway's messages about upstreams.

using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Upstreams;

internal static partial class UpstreamLog
{
    [LoggerMessage(60, LogLevel.Warning, "upstream {Upstream}: {Endpoint} is ejected for {Seconds} s after failures in a row: {Reason}")]
    public static partial void Ejected(ILogger log, string upstream, string endpoint, double seconds, string reason);

    [LoggerMessage(61, LogLevel.Warning, "upstream {Upstream}: {Endpoint} is unhealthy: {Result}")]
    public static partial void Unhealthy(ILogger log, string upstream, string endpoint, string result);

    [LoggerMessage(62, LogLevel.Information, "upstream {Upstream}: {Endpoint} is healthy again")]
    public static partial void Healthy(ILogger log, string upstream, string endpoint);

    [LoggerMessage(63, LogLevel.Information, "{Name} is {Addresses}")]
    public static partial void NameResolved(ILogger log, string name, string addresses);

    [LoggerMessage(64, LogLevel.Warning, "{Name} cannot be resolved, and its {Count} known addresses stay: {Problem}")]
    public static partial void NameFailed(ILogger log, string name, string problem, int count);

    [LoggerMessage(65, LogLevel.Error, "upstream {Upstream}: health checks failed inside the gateway: {Detail}")]
    public static partial void ChecksFailed(ILogger log, string upstream, string detail);
}
