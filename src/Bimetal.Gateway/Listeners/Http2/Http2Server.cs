// HTTP/2 of one listener: Kestrel's, without its sockets. The listener accepts, does TLS, and hands over a connection once it is known to speak
// HTTP/2; each request of it comes back as an exchange on a loop. Started with the first such connection.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Transport;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Bimetal.Gateway.Listeners.Http2;

/// <summary>Thread-safe. Ends when its last user has left.</summary>
internal sealed class Http2Server(ListenerLimits limits, GatewayApplication application) : IDisposable
{
    private readonly Http2Arrivals _arrivals = new();
    private readonly Lock _gate = new();
    private KestrelServer? _kestrel;
    private Task _started = Task.CompletedTask;
    private int _users = 1;

    public ListenerLimits Limits => limits;

    /// <summary>False when it has ended.</summary>
    public bool TryEnter()
    {
        lock (_gate)
        {
            if (_users == 0) return false;
            _users++;
            return true;
        }
    }

    public void Leave()
    {
        lock (_gate)
        {
            if (--_users > 0) return;
        }

        _ = EndAsync();
    }

    /// <summary>Serves a connection until it ends. On its loop. Never throws for what comes of the connection.</summary>
    /// <param name="begun">Bytes of it that were read already.</param>
    public async Task ServeAsync(Http2Connection connection, ReadOnlyMemory<byte> begun)
    {
        await StartAsync();
        if (_arrivals.TryAdd(connection)) await connection.RunAsync(begun);
        else connection.Abort();
    }

    /// <summary>Whoever made it leaves.</summary>
    public void Dispose() => Leave();

    private Task StartAsync()
    {
        lock (_gate)
        {
            if (_kestrel is not null) return _started;
            _kestrel = new KestrelServer(Options.Create(Settings()), _arrivals, NullLoggerFactory.Instance);
            return _started = _kestrel.StartAsync(application, CancellationToken.None);
        }
    }

    private async Task EndAsync()
    {
        await _started.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _arrivals.Close();
        if (_kestrel is not { } kestrel) return;
        await kestrel.StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        kestrel.Dispose();
    }

    private KestrelServerOptions Settings()
    {
        var options = KestrelSettings.Of(limits);
        var http2 = options.Limits.Http2;
        http2.MaxStreamsPerConnection = limits.Streams;
        http2.MaxRequestHeaderFieldSize = limits.HeaderBytes;
        http2.InitialStreamWindowSize = GatewayLimits.RequestReadAheadBytes;
        http2.InitialConnectionWindowSize = 4 * GatewayLimits.RequestReadAheadBytes;
        options.Listen(Http2Arrivals.Nowhere, static listen => listen.Protocols = HttpProtocols.Http2);
        return options;
    }
}
