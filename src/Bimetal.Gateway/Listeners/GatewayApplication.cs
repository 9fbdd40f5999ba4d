// Where each request of the traffic listeners begins: an exchange on the model that is published at that moment. Kestrel calls it for
// streams of HTTP/2.

using Bimetal.Gateway.Pipeline;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace Bimetal.Gateway.Listeners;

/// <param name="model">Gives the published model.</param>
internal sealed class GatewayApplication(Func<GatewayModel> model, GatewayServices services) : IHttpApplication<Exchange>
{
    public GatewayServices Services => services;

    /// <summary>An exchange for a request that has come; null when the gateway is stopped.</summary>
    public Exchange? TryBegin(ClientExchange client)
    {
        var current = model();
        while (!current.TryEnter())
        {
            // Retired: either there is a newer one by now, or the gateway is stopped.
            var newer = model();
            if (ReferenceEquals(newer, current)) return null;
            current = newer;
        }

        return new Exchange(client, current, services);
    }

    public Exchange CreateContext(IFeatureCollection contextFeatures) =>
        TryBegin(new KestrelExchange(contextFeatures, services.Loops.Next())) ?? throw new InvalidOperationException("The gateway is stopped.");

    public Task ProcessRequestAsync(Exchange context) => context.Loop.RunAsync(async () => await context.RunAsync());

    public void DisposeContext(Exchange context, Exception? exception) => context.Loop.Post(static exchange => ((Exchange)exchange!).Dispose(), context);
}
