// The gateway's own messages: what it started, what it warns of, what went wrong inside.

using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Telemetry;

internal static partial class GatewayLog
{
    [LoggerMessage(1, LogLevel.Information, "{Name} listening on {Scheme}://{Address}")]
    public static partial void Listening(ILogger log, string name, string scheme, string address);

    [LoggerMessage(2, LogLevel.Information, "plugin {Plugin}: {Metal}, {Trust}, {Instance}, loaded in {Milliseconds} ms from {Bundle}")]
    public static partial void PluginLoaded(ILogger log, string plugin, string metal, string trust, string instance, long milliseconds, string bundle);

    [LoggerMessage(3, LogLevel.Warning, "plugin {Plugin} runs native: it shares the gateway's memory, and a crash of it is a crash of the gateway")]
    public static partial void PluginIsNative(ILogger log, string plugin);

    [LoggerMessage(4, LogLevel.Warning, "plugin {Plugin} is not loaded, and requests pass without it (on_error.load: open): {Problem}")]
    public static partial void PluginAbsent(ILogger log, string plugin, string problem);

    [LoggerMessage(5, LogLevel.Information, "{Routes} routes, {Upstreams} upstreams, {Plugins} plugins; started in {Milliseconds} ms")]
    public static partial void Started(ILogger log, int routes, int upstreams, int plugins, long milliseconds);

    [LoggerMessage(6, LogLevel.Information, "draining: no new connections, {Seconds} s for requests in flight")]
    public static partial void Draining(ILogger log, double seconds);

    [LoggerMessage(7, LogLevel.Information, "stopped")]
    public static partial void Stopped(ILogger log);

    [LoggerMessage(8, LogLevel.Error, "exchange {ErrorId} failed inside the gateway: {Detail}")]
    public static partial void ExchangeFailed(ILogger log, string errorId, string detail);

    [LoggerMessage(19, LogLevel.Debug, "{Name}: a connection of {Client} is one too many (limits.connections, limits.connections_per_client)")]
    public static partial void ConnectionRefused(ILogger log, string name, string client);

    [LoggerMessage(18, LogLevel.Debug, "{Name}: no TLS with {Client}: {Problem}")]
    public static partial void HandshakeFailed(ILogger log, string name, string client, string problem);

    [LoggerMessage(11, LogLevel.Information, "reload ({Trigger}): configuration {Generation} is in force, after {Milliseconds} ms")]
    public static partial void Reloaded(ILogger log, string trigger, int generation, long milliseconds);

    [LoggerMessage(12, LogLevel.Error, "reload ({Trigger}) refused: nothing changed, configuration {Generation} stays in force")]
    public static partial void ReloadRefused(ILogger log, string trigger, int generation);

    [LoggerMessage(13, LogLevel.Error, "reload: {Problem}")]
    public static partial void ReloadProblem(ILogger log, string problem);

    [LoggerMessage(14, LogLevel.Warning, "reload: {Warning} (warning)")]
    public static partial void ReloadWarning(ILogger log, string warning);

    [LoggerMessage(15, LogLevel.Information, "not ready any more; connections are still accepted for {Seconds} s")]
    public static partial void Leaving(ILogger log, double seconds);

    [LoggerMessage(17, LogLevel.Error, "the access log cannot be opened again, and goes on where it was: {Problem}")]
    public static partial void AccessLogNotReopened(ILogger log, string problem);

    [LoggerMessage(16, LogLevel.Critical, "log level changed from {Old} to {New}")]
    public static partial void LevelChanged(ILogger log, string old, string @new);

    [LoggerMessage(30, LogLevel.Warning, "{What}: {Over} of the last {Window} timed requests took longer than its latency_budget of {BudgetUs} us (p99 since the start: {P99Us} us)")]
    public static partial void BudgetPassed(ILogger log, string what, int over, int window, double budgetUs, double p99Us);

    [LoggerMessage(31, LogLevel.Information, "plugin {Plugin}: metal: auto chose {Metal}: {Reason}")]
    public static partial void MetalChosen(ILogger log, string plugin, string metal, string reason);

    [LoggerMessage(32, LogLevel.Warning, "plugin {Plugin}: metal: auto chose {Metal}: {Reason}")]
    public static partial void MetalChosenWithWarning(ILogger log, string plugin, string metal, string reason);

    [LoggerMessage(33, LogLevel.Information, "plugin {Plugin}: its shadow runs on {Metal}, on {Percent} % of the requests, after their answers")]
    public static partial void ShadowLoaded(ILogger log, string plugin, string metal, double percent);

    [LoggerMessage(34, LogLevel.Warning, "plugin {Plugin}: runs without its shadow: {Problem}")]
    public static partial void ShadowAbsent(ILogger log, string plugin, string problem);

    [LoggerMessage(35, LogLevel.Information, "plugin {Plugin}: runs without a shadow, because metal: auto chose {Metal}, which is the shadow's")]
    public static partial void ShadowIsPrimary(ILogger log, string plugin, string metal);

    [LoggerMessage(36, LogLevel.Warning, "plugin {Plugin}: {Primary} and {Shadow} did not do the same, which /plugins counts from now on: {Example}")]
    public static partial void ShadowDiffers(ILogger log, string plugin, string primary, string shadow, string example);

    [LoggerMessage(37, LogLevel.Warning, "what shadows saw cannot be kept for bimetal plan in {Path}: {Problem}")]
    public static partial void ShadowNotKept(ILogger log, string path, string problem);

    [LoggerMessage(10, LogLevel.Warning, "plugin {Plugin} failed ({Kind}), which the access log shows for each request: {Detail}")]
    public static partial void PluginFailed(ILogger log, string plugin, string kind, string detail);

    [LoggerMessage(9, LogLevel.Warning, "plugin {Plugin} failed ({Kind}) and the request passed without it (on_error: open): {Detail}")]
    public static partial void PluginBypassed(ILogger log, string plugin, string kind, string detail);

    [LoggerMessage(45, LogLevel.Warning, "{UsedMiB} MiB are in use and limits.memory is {LimitMiB} MiB: requests are answered with 503 until there is room")]
    public static partial void MemoryFull(ILogger log, long usedMiB, long limitMiB);

    [LoggerMessage(46, LogLevel.Information, "{UsedMiB} MiB are in use: requests are taken again")]
    public static partial void MemoryFree(ILogger log, long usedMiB);

    [LoggerMessage(38, LogLevel.Warning, "plugin {Plugin}: {Notice}")]
    public static partial void BundleNotice(ILogger log, string plugin, string notice);

    [LoggerMessage(39, LogLevel.Warning, "plugin {Plugin}: its tag could not be looked up, and what runs stays: {Problem}")]
    public static partial void BundleNotPolled(ILogger log, string plugin, string problem);
}
