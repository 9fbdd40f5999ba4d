// What Kestrel calls for each request of the traffic listeners: an exchange on the model that is published at that moment.

using Bimetal.Gateway.Pipeline;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace Bimetal.Gateway.Listeners;

/// <param name="model">Gives the published model.</param>
internal sealed class GatewayApplication(Func<GatewayModel> model, GatewayServices services) : IHttpApplication<Exchange>
{
    public Exchange CreateContext(IFeatureCollection contextFeatures)
    {
        var current = model();
        while (!current.TryEnter())
        {
            // Retired: either there is a newer one by now, or the gateway is stopped and Kestrel breaks this request off.
            var newer = model();
            if (ReferenceEquals(newer, current)) throw new InvalidOperationException("The gateway is stopped.");
            current = newer;
        }

        return new Exchange(new ClientExchange(contextFeatures), current, services);
    }

    public Task ProcessRequestAsync(Exchange context) => context.RunAsync();

    public void DisposeContext(Exchange context, Exception? exception) => context.Dispose();
}
