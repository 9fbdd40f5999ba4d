// The place where Kestrel waits for connections: a queue that listeners put theirs into, instead of a socket.

using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Bimetal.Gateway.Listeners.Http2;

/// <summary>Thread-safe. A listener that has no address of its own.</summary>
internal sealed class Http2Arrivals : IConnectionListenerFactory, IConnectionListener
{
    /// <summary>Stands for an address; nothing is bound.</summary>
    public static readonly IPEndPoint Nowhere = new(IPAddress.Loopback, 1);

    // Each entry is a connection that the listener's own limit counts.
    private readonly Channel<ConnectionContext> _waiting = System.Threading.Channels.Channel.CreateUnbounded<ConnectionContext>();

    public EndPoint EndPoint => Nowhere;

    /// <summary>False when nobody takes connections any more.</summary>
    public bool TryAdd(ConnectionContext connection) => _waiting.Writer.TryWrite(connection);

    public void Close() => _waiting.Writer.TryComplete();

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new(this);

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await _waiting.Reader.ReadAsync(cancellationToken);
        }
        catch (ChannelClosedException)
        {
            return null;
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        Close();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }
}
