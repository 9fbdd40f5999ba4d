// The settings of a listener at work. A reload replaces them as a whole, for connections that come afterwards; the socket stays.

using System.Net.Security;
using Bimetal.Gateway.Configuration;

namespace Bimetal.Gateway.Listeners;

/// <summary>Immutable.</summary>
internal sealed class ListenerModel(ListenerConfig config)
{
    public ListenerConfig Config => config;

    /// <summary>Null: plain HTTP.</summary>
    public TlsServer? Tls { get; } = config.Tls is { } tls ? new TlsServer(tls, [SslApplicationProtocol.Http11]) : null;
}
