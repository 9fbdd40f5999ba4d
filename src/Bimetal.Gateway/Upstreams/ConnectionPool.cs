// The connections of one loop to one endpoint that wait for a request. The one used last is taken first, so that the others can grow old.

using System.Net.Security;
using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Transport;

namespace Bimetal.Gateway.Upstreams;

/// <summary>Used by the thread of its loop, but for <see cref="Close"/>.</summary>
internal sealed class ConnectionPool
{
    private readonly EventLoop _loop;
    private readonly TimeSpan? _connectTimeout;
    private readonly List<UpstreamConnection> _idle = [];
    private readonly CallbackDeadline _sweep;
    private bool _isClosed;

    private readonly SslClientAuthenticationOptions? _tls;

    /// <param name="tls">Null: the endpoint speaks plain HTTP.</param>
    public ConnectionPool(EventLoop loop, UpstreamEndpoint endpoint, TimeSpan? connectTimeout, SslClientAuthenticationOptions? tls)
    {
        _tls = tls;
        _loop = loop;
        _connectTimeout = connectTimeout;
        Endpoint = endpoint;
        _sweep = new CallbackDeadline(Sweep);
        loop.Add(_sweep, isCoarse: true);
    }

    public UpstreamEndpoint Endpoint { get; }

    public bool TryTake(out UpstreamConnection? connection)
    {
        connection = null;
        while (_idle.Count > 0)
        {
            connection = _idle[^1];
            _idle.RemoveAt(_idle.Count - 1);
            connection.Pool = null;
            if (!connection.Channel.IsClosed && !IsTooOld(connection)) return true;
            connection.Close();
        }

        connection = null;
        return false;
    }

    /// <exception cref="IOException">Nobody answers, or not the one who should.</exception>
    /// <exception cref="TimeoutException">Nobody answers in time.</exception>
    public async ValueTask<UpstreamConnection> ConnectAsync()
    {
        var socket = await SocketChannel.ConnectAsync(_loop, Endpoint.Socket, _connectTimeout);
        return new UpstreamConnection(_tls is null ? socket : await TlsChannel.ConnectAsync(socket, _tls, _connectTimeout));
    }

    /// <summary>Keeps a connection for the next request; closes it when there are enough.</summary>
    public void Keep(UpstreamConnection connection)
    {
        if (_isClosed || connection.Channel.IsClosed || _idle.Count >= GatewayLimits.UpstreamIdleConnections || IsTooOld(connection))
        {
            connection.Close();
            return;
        }

        connection.IdleSinceMs = _loop.NowMs;
        connection.Pool = this;
        _idle.Add(connection);
        if (_idle.Count == 1) _sweep.Set(_loop.NowMs + (long)GatewayLimits.UpstreamIdleConnection.TotalMilliseconds);
    }

    /// <summary>The upstream closed an idle connection, or sent what nobody asked for.</summary>
    public void Drop(UpstreamConnection connection)
    {
        _idle.Remove(connection);
        connection.Close();
    }

    /// <summary>Closes what is idle now, and later what comes back. On any thread.</summary>
    public void Close() => _loop.Post(
        static state =>
        {
            var pool = (ConnectionPool)state!;
            pool._isClosed = true;
            pool._sweep.Leave();
            foreach (var connection in pool._idle) connection.Close();
            pool._idle.Clear();
        },
        this);

    private bool IsTooOld(UpstreamConnection connection) => _loop.NowMs - connection.CreatedAtMs > (long)GatewayLimits.UpstreamConnectionLifetime.TotalMilliseconds;

    // The longest idle ones come first.
    private void Sweep()
    {
        long limitMs = (long)GatewayLimits.UpstreamIdleConnection.TotalMilliseconds;
        int count = _idle.FindIndex(connection => _loop.NowMs - connection.IdleSinceMs < limitMs && !IsTooOld(connection));
        if (count < 0) count = _idle.Count;
        for (int index = 0; index < count; index++) _idle[index].Close();
        _idle.RemoveRange(0, count);
        if (_idle.Count > 0) _sweep.Set(_idle[0].IdleSinceMs + limitMs);
    }
}
