// The settings of a listener at work. A reload replaces them as a whole, for connections that come afterwards; the socket stays.

using System.Net.Security;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Listeners.Http2;

namespace Bimetal.Gateway.Listeners;

/// <summary>Immutable. Retired when another one takes its place.</summary>
internal sealed class ListenerModel
{
    /// <param name="previous">Gives its HTTP/2 server on, if that serves.</param>
    public ListenerModel(ListenerConfig config, ListenerModel? previous, GatewayApplication application)
    {
        Config = config;
        if (config.Tls is { } tls) Tls = new TlsServer(tls, config.Limits.HandshakeTimeout, config.Http2 ? [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11] : [SslApplicationProtocol.Http11]);
        if (!config.Http2) return;
        Http2 = previous?.Http2 is { } serving && serving.Limits == config.Limits && serving.TryEnter() ? serving : new Http2Server(config.Limits, application);
    }

    public ListenerConfig Config { get; }

    public ListenerLimits Limits => Config.Limits;

    /// <summary>Null: plain HTTP.</summary>
    public TlsServer? Tls { get; }

    /// <summary>Null: HTTP/1.1 only.</summary>
    public Http2Server? Http2 { get; }

    /// <summary>Ends what only this model uses, once its connections have ended.</summary>
    public void Retire() => Http2?.Dispose();
}
