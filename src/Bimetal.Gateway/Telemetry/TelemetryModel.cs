// The section telemetry: of one model at work. What a reload does not change is taken over from the model before.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Operation;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Telemetry.Tracing;
using Bimetal.Plugins;

namespace Bimetal.Gateway.Telemetry;

/// <summary>Immutable; released by its model.</summary>
internal sealed class TelemetryModel
{
    private readonly Shared<AccessLog>? _accessLog;
    private readonly Shared<OtlpExport>? _otlp;

    private TelemetryModel(TelemetryConfig config, Shared<AccessLog>? accessLog, Shared<OtlpExport>? otlp, FilterTimes filterTimes, BudgetWatches budgets)
    {
        Config = config;
        _accessLog = accessLog;
        _otlp = otlp;
        FilterTimes = filterTimes;
        Budgets = budgets;
    }

    public TelemetryConfig Config { get; }

    public AccessLog? AccessLog => _accessLog?.Value;

    public FilterTimes FilterTimes { get; }

    public BudgetWatches Budgets { get; }

    /// <param name="plugins">Gives the plugins that are loaded at the moment.</param>
    /// <exception cref="GatewayStartException">The file of the access log cannot be written.</exception>
    public static TelemetryModel Open(TelemetryConfig config, TelemetryModel? previous, GatewayOptions options, Func<IEnumerable<Plugin>> plugins)
    {
        var log = previous is not null && config.AccessLog == previous.Config.AccessLog ? previous._accessLog?.Share() : OpenAccessLog(config.AccessLog, options);
        Shared<OtlpExport>? otlp = null;
        if (previous is not null && config.Otlp == previous.Config.Otlp) otlp = previous._otlp?.Share();
        else if (config.Otlp is not null) otlp = new(new OtlpExport(config.Otlp, plugins));
        return new TelemetryModel(config, log, otlp, previous?.FilterTimes ?? new FilterTimes(), previous?.Budgets ?? new BudgetWatches(options.Time, options.Log));
    }

    /// <summary>
    /// Looks at an exchange before its filters run: takes part in its trace, and decides whether its times are taken. Null when nobody wants
    /// to know them.
    /// </summary>
    /// <param name="target">In normal form.</param>
    public Observation? Observe(ExchangeContext context, string target)
    {
        var (server, upstream) = _otlp?.Value.Begin(context, target) ?? (null, null);
        if (server is null && !Config.ServerTiming && !FilterTimes.IsTurn()) return null;
        return new Observation(context.Steps, context.Route.Budget, Config.ServerTiming, server, upstream);
    }

    /// <summary>An exchange is over.</summary>
    public void Count(in AccessLogEntry entry, Observation? observation)
    {
        observation?.End(entry, FilterTimes);
        _otlp?.Value.Count(entry);
        AccessLog?.Write(entry);
    }

    public async ValueTask ReleaseAsync()
    {
        if (_accessLog is not null) await _accessLog.ReleaseAsync();
        if (_otlp is not null) await _otlp.ReleaseAsync();
    }

    private static Shared<AccessLog>? OpenAccessLog(AccessLogConfig? config, GatewayOptions options)
    {
        if (config is null) return null;
        AccessLogFormat format = config.Template is null
            ? new JsonAccessLogFormat()
            : AccessLogTemplate.TryParse(config.Template, out string problem) ?? throw new GatewayStartException("telemetry.access_log.format: " + problem);
        try
        {
            return new(new AccessLog(() => OpenTarget(config.Path, options), format, options.Log));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            format.Dispose();
            throw new GatewayStartException($"telemetry.access_log.path: cannot write {config.Path}: {exception.Message}", exception);
        }
    }

    private static Stream OpenTarget(string path, GatewayOptions options)
    {
        if (path == "-") return options.AccessLogOutput ?? Console.OpenStandardOutput();
        return new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0, useAsync: true);
    }
}
