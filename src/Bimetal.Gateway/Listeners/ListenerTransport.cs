// Kestrel's socket transport, which knows by name what it binds: a port in use is reported with its listener, and a port that the system
// chose is remembered.

using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Bimetal.Gateway.Listeners;

/// <summary>A listener whose socket is open.</summary>
/// <param name="Name">Such as <c>listeners[0]</c> or <c>admin</c>.</param>
/// <param name="Address">With the real port.</param>
public sealed record BoundListener(string Name, IPEndPoint Address);

/// <summary>Binds the listeners of one server in the order in which they were given.</summary>
internal sealed class ListenerTransport(IReadOnlyList<(string Name, IPEndPoint Address)> listeners) : IConnectionListenerFactory
{
    private readonly SocketTransportFactory _sockets = new(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance);
    private readonly List<BoundListener> _bound = [];

    public IReadOnlyList<BoundListener> Bound => _bound;

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var (name, address) = listeners[_bound.Count];
        try
        {
            var listener = await _sockets.BindAsync(endpoint, cancellationToken);
            _bound.Add(new BoundListener(name, (IPEndPoint)listener.EndPoint));
            return listener;
        }
        catch (Exception exception) when (exception is SocketException or AddressInUseException)
        {
            // Not an AddressInUseException: Kestrel would replace its message.
            throw new GatewayStartException($"{name}: cannot listen on {address}: {Reason(exception)}", exception);
        }
    }

    /// <summary>Why an address cannot be bound, and what to do.</summary>
    public static string Reason(Exception exception) => (exception as SocketException ?? exception.InnerException as SocketException)?.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => "the port is in use; stop the other program or choose another port",
        SocketError.AccessDenied => "permission denied; ports below 1024 need CAP_NET_BIND_SERVICE",
        SocketError.AddressNotAvailable => "this machine does not have the address",
        _ => exception.Message,
    };
}
