// A traffic listener: accepts connections on one loop, hands them to the loops in turn, and ends them when the gateway stops.

using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Listeners.Http2;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Telemetry;
using Bimetal.Gateway.Transport;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Listeners;

/// <summary>Started by <see cref="StartAsync"/>. Stopping drains it.</summary>
internal sealed class TrafficServer : ListenerServer
{
    private readonly EventLoops _loops;
    private readonly GatewayApplication _application;
    private readonly Acceptor _acceptor;
    private readonly Socket _socket;
    private readonly HashSet<IClientConnection>[] _connections;
    private readonly ILogger _log;
    private readonly ClientCount _clients = new();
    private readonly TaskCompletionSource _isEmpty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _lastId;
    private int _open = 1;
    private volatile bool _isDraining;
    private volatile ListenerModel _model;

    private TrafficServer(ListenerConfig config, EventLoops loops, GatewayApplication application, ILogger log, bool shares)
    {
        _model = new ListenerModel(config, null, application);
        _log = log;
        _loops = loops;
        _application = application;
        _connections = [.. loops.All.Select(_ => new HashSet<IClientConnection>())];
        var socket = _socket = Bind(config, shares);
        Bound = new BoundListener(config.Name, (IPEndPoint)socket.LocalEndPoint!);
        _acceptor = new Acceptor(loops.First, socket, OnAccepted);
    }

    public override BoundListener Bound { get; }

    /// <summary>Every response closes its connection.</summary>
    public bool IsDraining => _isDraining;

    /// <param name="shares">Beside a listener of ours that has the port and is shared.</param>
    /// <exception cref="GatewayStartException">The address cannot be bound.</exception>
    public static async Task<TrafficServer> StartAsync(ListenerConfig config, EventLoops loops, GatewayApplication application, ILogger log, bool shares)
    {
        var server = new TrafficServer(config, loops, application, log, shares);
        await loops.First.RunAsync(server._acceptor.StartAsync);
        return server;
    }

    /// <summary>An exchange on the published model; null when the gateway is stopped.</summary>
    public Exchange? TryBegin(ClientExchange client) => _application.TryBegin(client);

    public override void Apply(ListenerConfig config)
    {
        var old = _model;
        if (old.Config == config) return;
        _model = new ListenerModel(config, old, _application);
        old.Retire();
    }

    public override void Share(bool isShared) => Share(_socket, isShared);

    public override async Task StopAsync(CancellationToken deadline)
    {
        if (_isDraining) return;
        _isDraining = true;
        await _loops.First.RunAsync(() =>
        {
            _acceptor.Close();
            return Task.CompletedTask;
        });
        await OnEachAsync(static connection => connection.CloseIfIdle());
        if (Interlocked.Decrement(ref _open) == 0) _isEmpty.TrySetResult();
        _model.Retire();
        await _isEmpty.Task.WaitAsync(deadline).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_isEmpty.Task.IsCompleted) return;
        await OnEachAsync(static connection => connection.Abort());
        await Task.WhenAny(_isEmpty.Task, Task.Delay(GatewayLimits.LastExchanges, CancellationToken.None));
    }

    public override async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await StopAsync(now.Token);
    }

    private Task OnEachAsync(Action<IClientConnection> act) => Task.WhenAll(_loops.All.Select(loop => loop.RunAsync(() =>
    {
        foreach (var connection in _connections[loop.Index].ToArray()) act(connection);
        return Task.CompletedTask;
    })));

    private static void Share(Socket socket, bool isShared)
    {
        int value = isShared ? 1 : 0;
        LinuxCalls.SetOption((int)socket.Handle, LinuxCalls.LevelSocket, LinuxCalls.OptionReusePort, ref value, sizeof(int));
    }

    private static Socket Bind(ListenerConfig config, bool shares)
    {
        var address = config.Address;
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.Address.Equals(IPAddress.IPv6Any)) socket.DualMode = true;
            if (shares) Share(socket, true);
            socket.Bind(address);
            socket.Listen(GatewayLimits.Backlog);

            // Who comes later does not share it, unless it asks for that itself and is the same user.
            if (shares) Share(socket, false);
            socket.Blocking = false;
            return socket;
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            throw new GatewayStartException($"{config.Name}: cannot listen on {address}: {ListenerTransport.Reason(exception)}", exception);
        }
    }

    // On the accepting loop.
    private void OnAccepted(int descriptor, IPEndPoint? source, IPEndPoint? destination)
    {
        var model = _model;
        bool isCounted = model.Limits.ConnectionsPerClient is not null && source is not null;
        if (Volatile.Read(ref _open) > model.Limits.Connections || (isCounted && !_clients.TryEnter(source!.Address, model.Limits.ConnectionsPerClient!.Value)))
        {
            // Whoever has too many connections is not worth an answer.
            LinuxCalls.Close(descriptor);
            GatewayLog.ConnectionRefused(_log, Bound.Name, source?.ToString() ?? "");
            return;
        }

        Interlocked.Increment(ref _open);
        _application.Services.ConnectionOpened();
        var loop = _loops.Next();
        var client = new ClientArrival((ulong)Interlocked.Increment(ref _lastId), source, destination, model);
        loop.Post(static state => ((Arrival)state!).Begin(), new Arrival(this, loop, descriptor, client, isCounted));
    }

    private async Task ServeAsync(Arrival arrival)
    {
        var socket = new SocketChannel(arrival.Loop, arrival.Descriptor);
        var client = arrival.Client;
        if (socket.TryStart())
        {
            socket.SetNoDelay();
            if (client.Model.Tls is { } tls) await ServeTlsAsync(socket, tls, client);
            else await ServeHttp1Async(socket, client);
        }

        _application.Services.ConnectionEnded();
        if (arrival.IsCounted) _clients.Exit(client.Source!.Address);
        if (Interlocked.Decrement(ref _open) == 0) _isEmpty.TrySetResult();
    }

    private async Task ServeTlsAsync(SocketChannel socket, TlsServer tls, ClientArrival arrival)
    {
        var connections = _connections[socket.Loop.Index];
        var greeting = new TlsGreeting(socket);
        connections.Add(greeting);
        try
        {
            var channel = await tls.AcceptAsync(socket);
            connections.Remove(greeting);
            arrival = arrival with { Tls = TlsFacts.Of(channel, tls) };
            if (channel.Session.NegotiatedApplicationProtocol == SslApplicationProtocol.Http2) await ServeHttp2Async(channel, arrival, []);
            else await ServeHttp1Async(channel, arrival);
        }
        catch (Exception exception) when (exception is IOException or TimeoutException)
        {
            connections.Remove(greeting);
            GatewayLog.HandshakeFailed(_log, Bound.Name, arrival.Source?.ToString() ?? "", exception.Message);
        }
    }

    private async Task ServeHttp1Async(Channel channel, ClientArrival arrival)
    {
        var connection = new Http1Connection(this, channel, arrival);
        var connections = _connections[channel.Loop.Index];
        connections.Add(connection);
        byte[]? preface = await connection.RunAsync();
        connections.Remove(connection);
        if (preface is not null) await ServeHttp2Async(channel, arrival, preface);
    }

    private async Task ServeHttp2Async(Channel channel, ClientArrival arrival, byte[] begun)
    {
        // The settings that it came under may have been replaced meanwhile, and their server ended with them.
        var server = arrival.Model.Http2;
        if (server?.TryEnter() != true && (server = _model.Http2)?.TryEnter() != true)
        {
            channel.Close();
            return;
        }

        var connections = _connections[channel.Loop.Index];
        var connection = new Http2Connection(channel, arrival);
        connections.Add(connection);
        await server.ServeAsync(connection, begun);
        connections.Remove(connection);
        channel.Close();
        server.Leave();
    }

    private sealed record Arrival(TrafficServer Server, EventLoop Loop, int Descriptor, ClientArrival Client, bool IsCounted)
    {
        public void Begin() => _ = Server.ServeAsync(this);
    }

    /// <summary>A connection that has not said which protocol it speaks.</summary>
    private sealed class TlsGreeting(SocketChannel socket) : IClientConnection
    {
        public void CloseIfIdle() => socket.Close();

        public void Abort() => socket.Abort();
    }
}
