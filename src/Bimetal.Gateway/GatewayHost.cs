// A running gateway: loads the plugins, publishes the model, opens the listeners; drains and closes in reverse.

using System.Diagnostics;
using System.Net;
using Bimetal.Gateway.Admin;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Listeners;
using Bimetal.Gateway.Telemetry;
using Bimetal.Plugins;

namespace Bimetal.Gateway;

/// <summary>Started by <see cref="StartAsync"/>; stop it with <see cref="StopAsync"/> or by disposing it.</summary>
public sealed class GatewayHost : IAsyncDisposable
{
    private readonly GatewayOptions _options;
    private readonly GatewayModel _model;
    private readonly AccessLog? _accessLog;
    private HttpServer? _traffic;
    private HttpServer? _admin;
    private int _isStopped;

    private GatewayHost(GatewayOptions options, GatewayModel model, AccessLog? accessLog)
    {
        _options = options;
        _model = model;
        _accessLog = accessLog;
    }

    /// <summary>The traffic listeners with their real ports, in the order of the configuration.</summary>
    public IReadOnlyList<BoundListener> Listeners => _traffic?.Bound ?? [];

    /// <summary>The admin listener, if there is one.</summary>
    public IPEndPoint? AdminAddress => _admin?.Bound[0].Address;

    /// <summary>The loaded plugins by name; for the meter and for tests.</summary>
    public IReadOnlyDictionary<string, Plugin> Plugins =>
        _model.Plugins.Where(loaded => loaded.Plugin is not null).ToDictionary(loaded => loaded.Config.Name, loaded => loaded.Plugin!);

    /// <summary>Starts a gateway; when this returns it takes traffic.</summary>
    /// <exception cref="GatewayStartException">An address cannot be bound or plugins cannot be loaded; nothing is left running.</exception>
    public static async Task<GatewayHost> StartAsync(GatewayConfig config, GatewayOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(options);
        if (config.Listeners.Count == 0) throw new GatewayStartException("listeners: at least one is required");
        long started = Stopwatch.GetTimestamp();
        var plugins = await PluginStart.LoadAllAsync(config, options, cancellation);
        GatewayHost? host = null;
        try
        {
            var accessLog = OpenAccessLog(config, options);
            host = new GatewayHost(options, new GatewayModel(config, plugins, options.Log), accessLog);
            await host.OpenListenersAsync(config, cancellation);
            GatewayLog.Started(
                options.Log, config.Routes.Count, config.Upstreams.Count, config.Plugins.Count, (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            return host;
        }
        catch
        {
            if (host is not null) await host.CloseAsync(new CancellationToken(canceled: true));
            else await PluginStart.DisposeAllAsync(plugins);
            throw;
        }
    }

    /// <summary>Takes no new connections, waits for requests in flight at most <paramref name="drain"/>, then closes everything. Once.</summary>
    public async Task StopAsync(TimeSpan drain)
    {
        if (Interlocked.Exchange(ref _isStopped, 1) != 0) return;
        GatewayLog.Draining(_options.Log, drain.TotalSeconds);
        using var deadline = new CancellationTokenSource(drain);
        await CloseAsync(deadline.Token);
        GatewayLog.Stopped(_options.Log);
    }

    public async ValueTask DisposeAsync() => await StopAsync(TimeSpan.Zero);

    private static AccessLog? OpenAccessLog(GatewayConfig config, GatewayOptions options)
    {
        if (config.Telemetry.AccessLog is not { } log) return null;
        if (log.Path == "-") return new AccessLog(options.AccessLogOutput ?? Console.OpenStandardOutput());
        try
        {
            return new AccessLog(new FileStream(log.Path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0, useAsync: true));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new GatewayStartException($"telemetry.access_log.path: cannot write {log.Path}: {exception.Message}", exception);
        }
    }

    private async Task OpenListenersAsync(GatewayConfig config, CancellationToken cancellation)
    {
        var newErrorId = _options.NewErrorId ?? (static () => Random.Shared.NextInt64().ToString("x16"));
        var services = new GatewayServices(_options.Time, _options.Log, _accessLog, newErrorId);
        if (config.Admin is { } admin) _admin = await HttpServer.StartAsync([("admin", admin.Address)], new AdminApplication(() => _model), cancellation);
        _traffic = await HttpServer.StartAsync(
            [.. config.Listeners.Select(listener => (listener.Name, listener.Address))], new GatewayApplication(() => _model, services), cancellation);
        foreach (var bound in (IEnumerable<BoundListener>)[.. _traffic.Bound, .. _admin?.Bound ?? []])
            GatewayLog.Listening(_options.Log, bound.Name, bound.Address.ToString());
    }

    private async Task CloseAsync(CancellationToken deadline)
    {
        if (_traffic is not null)
        {
            await _traffic.StopAsync(deadline);
            await _traffic.DisposeAsync();
        }

        if (_admin is not null) await _admin.DisposeAsync();
        await _model.DisposeAsync();
        if (_accessLog is not null) await _accessLog.DisposeAsync();
    }
}
