// Kestrel on some addresses, for HTTP/1.1: what the admin listener and the demo's upstream need. Requests are handed to one application.

using System.Net;
using Bimetal.Gateway.Configuration;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Bimetal.Gateway.Listeners;

/// <summary>One started server. Stopping drains it.</summary>
internal sealed class HttpServer : ListenerServer
{
    // A lone LF ends no line: who stands before us may have taken it for a part of a value.
    static HttpServer() => AppContext.SetSwitch("Microsoft.AspNetCore.Server.Kestrel.DisableHttp1LineFeedTerminators", true);

    private readonly KestrelServer _server;
    private readonly ListenerTransport _transport;

    private HttpServer(KestrelServer server, ListenerTransport transport)
    {
        _server = server;
        _transport = transport;
    }

    /// <summary>The first of them.</summary>
    public override BoundListener Bound => _transport.Bound[0];

    /// <exception cref="GatewayStartException">An address cannot be bound; no address is left bound then.</exception>
    public static async Task<HttpServer> StartAsync<TContext>(
        IReadOnlyList<(string Name, IPEndPoint Address)> listeners, IHttpApplication<TContext> application, CancellationToken cancellation)
        where TContext : notnull
    {
        var transport = new ListenerTransport(listeners);
        var kestrel = new KestrelServer(Options.Create(Settings(listeners)), transport, NullLoggerFactory.Instance);
        var server = new HttpServer(kestrel, transport);
        try
        {
            await kestrel.StartAsync(application, cancellation);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public override void Apply(ListenerConfig config)
    {
        // An admin listener has an address and nothing else; its token is the model's.
    }

    public override Task StopAsync(CancellationToken deadline) => _server.StopAsync(deadline);

    public override async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _server.StopAsync(now.Token);
        _server.Dispose();
    }

    private static KestrelServerOptions Settings(IReadOnlyList<(string Name, IPEndPoint Address)> listeners)
    {
        var options = KestrelSettings.Of(new ListenerLimits());
        foreach (var (_, address) in listeners) options.Listen(address, static listen => listen.Protocols = HttpProtocols.Http1);
        return options;
    }
}
