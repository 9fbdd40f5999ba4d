// The built-in filter ip_filter: refuses clients by their address.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters;

internal sealed class IpFilter(IpFilterConfig config) : Filter
{
    private static readonly LocalResponse Refused = FilterAnswer.Of(403, "address-refused");

    public override string Name => "ip_filter";

    public override FilterStream? Begin(HttpStream stream, out GatewayError? error)
    {
        error = null;

        // A client without an address (there is none over IP) is in no list of those that may.
        bool? verdict = stream.Source is { } source ? config.Networks.Find(source.Address) : null;
        return verdict ?? config.AllowsOthers ? null : new AnsweringStream(Refused);
    }
}
