// The section telemetry: of one model at work. What a reload does not change is taken over from the model before.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Operation;

namespace Bimetal.Gateway.Telemetry;

/// <summary>Immutable; released by its model.</summary>
internal sealed class TelemetryModel
{
    private readonly Shared<AccessLog>? _accessLog;

    private TelemetryModel(TelemetryConfig config, Shared<AccessLog>? accessLog)
    {
        Config = config;
        _accessLog = accessLog;
    }

    public TelemetryConfig Config { get; }

    public AccessLog? AccessLog => _accessLog?.Value;

    /// <exception cref="GatewayStartException">The file of the access log cannot be written.</exception>
    public static TelemetryModel Open(TelemetryConfig config, TelemetryModel? previous, GatewayOptions options)
    {
        var log = previous is not null && config.AccessLog == previous.Config.AccessLog ? previous._accessLog?.Share() : OpenAccessLog(config, options);
        return new TelemetryModel(config, log);
    }

    public async ValueTask ReleaseAsync()
    {
        if (_accessLog is not null) await _accessLog.ReleaseAsync();
    }

    private static Shared<AccessLog>? OpenAccessLog(TelemetryConfig config, GatewayOptions options)
    {
        if (config.AccessLog is not { } log) return null;
        if (log.Path == "-") return new(new AccessLog(options.AccessLogOutput ?? Console.OpenStandardOutput()));
        try
        {
            return new(new AccessLog(new FileStream(log.Path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0, useAsync: true)));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new GatewayStartException($"telemetry.access_log.path: cannot write {log.Path}: {exception.Message}", exception);
        }
    }
}
