// The HTTP/2 connections of one loop to one endpoint. A new one is opened when all are full; those that nobody uses are closed after a while.

using System.Net.Security;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Transport;

namespace Bimetal.Gateway.Upstreams.Http2;

/// <summary>Used by the thread of its loop, but for <see cref="Close"/>.</summary>
internal sealed class Http2Pool
{
    private readonly EventLoop _loop;
    private readonly TimeSpan? _connectTimeout;
    private readonly SslClientAuthenticationOptions? _tls;
    private readonly List<Http2UpstreamConnection> _connections = [];
    private readonly CallbackDeadline _sweep;
    private Task<Http2UpstreamConnection>? _connecting;
    private bool _isClosed;

    public Http2Pool(EventLoop loop, UpstreamEndpoint endpoint, UpstreamConfig config)
    {
        _loop = loop;
        Endpoint = endpoint;
        _connectTimeout = config.Timeouts.Connect;
        _tls = UpstreamTls.OptionsFor(endpoint, config.Tls, SslApplicationProtocol.Http2);
        _sweep = new CallbackDeadline(Sweep);
        loop.Add(_sweep, isCoarse: true);
    }

    public UpstreamEndpoint Endpoint { get; }

    /// <summary>A connection that takes one more call; the caller opens it before anybody else runs.</summary>
    /// <exception cref="IOException">Nobody answers, or not in HTTP/2.</exception>
    /// <exception cref="TimeoutException">Nobody answers in time.</exception>
    public async ValueTask<Http2UpstreamConnection> TakeAsync()
    {
        while (true)
        {
            foreach (var connection in _connections)
            {
                if (!connection.IsFull) return connection;
            }

            // Whoever comes while one is being opened waits for that one.
            if (_connecting is { } connecting)
            {
                await connecting;
                continue;
            }

            _connecting = ConnectAsync();
            try
            {
                await _connecting;
            }
            finally
            {
                _connecting = null;
            }
        }
    }

    /// <summary>Takes no more calls; connections end with the calls on them. On any thread.</summary>
    public void Close() => _loop.Post(
        static state =>
        {
            var pool = (Http2Pool)state!;
            pool._isClosed = true;
            pool.Sweep();
        },
        this);

    private async Task<Http2UpstreamConnection> ConnectAsync()
    {
        var socket = await SocketChannel.ConnectAsync(_loop, Endpoint.Socket, _connectTimeout);
        Channel channel = socket;
        if (_tls is not null)
        {
            var encrypted = await TlsChannel.ConnectAsync(socket, _tls, _connectTimeout);
            channel = encrypted;
            if (encrypted.Session.NegotiatedApplicationProtocol != SslApplicationProtocol.Http2)
            {
                encrypted.Close();
                throw new IOException("the upstream does not speak HTTP/2 (ALPN)");
            }
        }

        var connection = new Http2UpstreamConnection(channel);
        await connection.StartAsync();
        _connections.Add(connection);
        SetSweep();
        return connection;
    }

    private void SetSweep() => _sweep.Set(_loop.NowMs + (_isClosed ? 0 : (long)GatewayLimits.UpstreamIdleConnection.TotalMilliseconds / 2));

    private void Sweep()
    {
        long limitMs = _isClosed ? 0 : (long)GatewayLimits.UpstreamIdleConnection.TotalMilliseconds;
        foreach (var connection in _connections)
        {
            if (connection.Calls == 0 && _loop.NowMs - connection.IdleSinceMs >= limitMs) connection.Close();
        }

        _connections.RemoveAll(static connection => connection.IsEnding && connection.Calls == 0);
        if (_connections.Count > 0) SetSweep();
        else if (_isClosed) _sweep.Leave();
    }
}
