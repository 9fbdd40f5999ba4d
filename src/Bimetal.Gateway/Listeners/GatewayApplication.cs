// What Kestrel calls for each request of the traffic listeners: an exchange on the model that is published at that moment.

using Bimetal.Gateway.Pipeline;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace Bimetal.Gateway.Listeners;

/// <param name="model">Gives the published model.</param>
internal sealed class GatewayApplication(Func<GatewayModel> model, GatewayServices services) : IHttpApplication<Exchange>
{
    public Exchange CreateContext(IFeatureCollection contextFeatures) => new(new ClientExchange(contextFeatures), model(), services);

    public Task ProcessRequestAsync(Exchange context) => context.RunAsync();

    public void DisposeContext(Exchange context, Exception? exception) => context.Dispose();
}
