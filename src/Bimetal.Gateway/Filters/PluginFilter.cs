// A plugin as a filter: maps its failures by on_error to an error or to a bypass.

using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Telemetry;
using Bimetal.Plugins;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Shadow;
using Bimetal.Plugins.Streams;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Filters;

/// <summary>The filter of <c>plugin: NAME</c>; routes with the same plugin share one.</summary>
internal sealed class PluginFilter(Plugin plugin, PluginConfig config, BudgetWatch? budget, ShadowPlugin? shadow, ILogger log) : Filter
{
    private long _lastReportedAt;

    public override string Name => config.Name;

    internal override BudgetWatch? Budget => budget;

    public PluginConfig Config => config;

    public override FilterStream? Begin(HttpStream stream, out GatewayError? error)
    {
        error = null;
        if (plugin.TryBegin(stream, out var failure) is { } pluginStream)
        {
            shadow?.Sample(pluginStream);
            return new PluginFilterStream(this, pluginStream);
        }

        failure ??= new PluginFailure(FailureKind.Load, "not available");
        bool isBypassed = config.OnError.IsOpen(failure.Kind);
        Report(failure, isBypassed);
        if (!isBypassed) error = ErrorOf(failure, ErrorPhase.RequestHeaders);
        return null;
    }

    /// <summary>What an exchange is answered with when this failure is closed.</summary>
    public GatewayError ErrorOf(PluginFailure failure, ErrorPhase phase)
    {
        var cause = failure.Kind is FailureKind.Load or FailureKind.Pause ? ErrorCause.Unavailable : ErrorCause.Failed;
        return new GatewayError(phase, ErrorSide.Plugin, cause, Retryable: false, $"plugin {Name}: {failure.Detail}");
    }

    /// <summary>Says in the log that requests fail because of the plugin, or pass without it; at most once a second.</summary>
    public void Report(PluginFailure failure, bool isBypassed)
    {
        long last = Interlocked.Read(ref _lastReportedAt), now = Environment.TickCount64;
        if (now - last < 1000 && last != 0) return;
        if (Interlocked.CompareExchange(ref _lastReportedAt, now, last) != last) return;
        if (isBypassed) GatewayLog.PluginBypassed(log, Name, failure.Kind.ToString(), failure.Detail);
        else GatewayLog.PluginFailed(log, Name, failure.Kind.ToString(), failure.Detail);
    }

    /// <summary>The plugin host cannot see how long a pause lasts, so the pipeline counts this one.</summary>
    public void CountPauseExpired() => plugin.Statistics.CountFailure(FailureKind.Pause);
}

/// <summary>One plugin on one exchange.</summary>
internal sealed class PluginFilterStream : FilterStream
{
    private readonly PluginFilter _filter;
    private readonly PluginStream _stream;

    public PluginFilterStream(PluginFilter filter, PluginStream stream)
    {
        _filter = filter;
        _stream = stream;
        stream.Waiter = this;
    }

    public override bool WantsRequestBody => _stream.WantsRequestBody;

    public override bool WantsResponseBody => _stream.WantsResponseBody;

    public override TimeSpan? PauseLimit => _filter.Config.Limits.Pause;

    public override BodyBuffer RequestBody => _stream.RequestBody;

    public override BodyBuffer ResponseBody => _stream.ResponseBody;

    public override FilterAction OnRequestHeaders(bool endOfStream) => After(_stream.OnRequestHeaders(endOfStream), ErrorPhase.RequestHeaders);

    public override FilterAction OnRequestBody(bool endOfStream) => After(_stream.OnRequestBody(endOfStream), ErrorPhase.RequestBody);

    public override FilterAction OnRequestTrailers() => After(_stream.OnRequestTrailers(), ErrorPhase.RequestBody);

    public override FilterAction OnResponseHeaders(bool endOfStream) => After(_stream.OnResponseHeaders(endOfStream), ErrorPhase.ResponseHeaders);

    public override FilterAction OnResponseBody(bool endOfStream) => After(_stream.OnResponseBody(endOfStream), ErrorPhase.ResponseBody);

    public override FilterAction OnResponseTrailers() => After(_stream.OnResponseTrailers(), ErrorPhase.ResponseBody);

    public override void OnPauseExpired()
    {
        _filter.CountPauseExpired();
        Fail(new PluginFailure(FailureKind.Pause, $"held the stream longer than {_filter.Config.Limits.Pause?.TotalMilliseconds} ms"), ErrorPhase.RequestHeaders);
    }

    public override void OnLog()
    {
        if (_stream.Failure is null) _stream.OnLog();
    }

    public override void Refresh(ErrorPhase phase)
    {
        if (_stream.Failure is { } failure) Fail(failure, phase);
        if (_stream.LocalResponse is { } answer) Answer = answer;
        IsReset = _stream.IsReset;
    }

    public override void Dispose()
    {
        _stream.Dispose();

        // A plugin may keep the stream longer, and then has nothing to wake here.
        _stream.Waiter = null;
        base.Dispose();
    }

    private FilterAction After(FilterAction action, ErrorPhase phase)
    {
        Refresh(phase);
        return action;
    }

    private void Fail(PluginFailure failure, ErrorPhase phase)
    {
        if (IsBypassed || Error is not null) return;
        IsBypassed = _filter.Config.OnError.IsOpen(failure.Kind);
        _filter.Report(failure, IsBypassed);
        if (!IsBypassed) Error = _filter.ErrorOf(failure, phase);
    }
}
