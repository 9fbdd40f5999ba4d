// What the parts of one exchange share.

using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Listeners;
using Bimetal.Gateway.Routing;
using Bimetal.Gateway.Telemetry.Tracing;
using Bimetal.Gateway.Upstreams;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Pipeline;

/// <summary>One exchange on one route. Belongs to the exchange.</summary>
internal sealed class ExchangeContext(ClientExchange client, HttpStream stream, string target, Route route, ExchangeClock clock, MemoryWatch memory)
{
    private volatile MessagePump? _requestPump;
    private volatile MessagePump? _responsePump;

    public ClientExchange Client => client;

    public Route Route => route;

    public ExchangeClock Clock => clock;

    public HttpStream Stream => stream;

    public MemoryWatch Memory => memory;

    /// <summary>What the route was found with: in normal form, before any rewrite.</summary>
    public string Target => target;

    /// <summary>In the order of the configuration.</summary>
    public FilterStep[] Steps { get; } = route.Filters.Length == 0 ? [] : Array.ConvertAll(route.Filters, static filter => new FilterStep(filter));

    /// <summary>Where the request was sent.</summary>
    public UpstreamEndpoint? Endpoint { get; set; }

    /// <summary>Null before the request is sent on.</summary>
    public UpstreamCall? Call { get; set; }

    /// <summary>Null when nobody wants to know the exchange's times.</summary>
    public Observation? Observation { get; set; }

    /// <summary>Of the request's body: the smaller one of the route's and the listener's.</summary>
    public long? BodyLimit { get; } = Smaller(route.Config.Limits.BodyBytes, client.Limits.BodyBytes);

    /// <summary>The protocol that the client wants to go on with, where the route lets it; null: HTTP.</summary>
    public ReadOnlyMemory<byte>? Upgrade { get; } = client.Upgrade is { } wanted && route.Config.AllowsUpgrade(System.Text.Encoding.Latin1.GetString(wanted.Span)) ? wanted : default(ReadOnlyMemory<byte>?);

    public TimeSpan? Idle => route.Timeouts.Idle;

    /// <summary>Held during callbacks: a filter sees one at a time, whichever direction it is.</summary>
    public Lock Gate { get; } = new();

    public (MessageFlow Flow, MessagePump Pump) BeginRequest()
    {
        var flow = new MessageFlow(this, isRequest: true);
        var pump = new MessagePump(this, flow, isRequest: true, client.HasBody ? client : null);
        _requestPump = pump;
        return (flow, pump);
    }

    public (MessageFlow Flow, MessagePump Pump) BeginResponse(MessageBody? body)
    {
        var flow = new MessageFlow(this, isRequest: false);
        var pump = new MessagePump(this, flow, isRequest: false, body);
        _responsePump = pump;
        return (flow, pump);
    }

    private static long? Smaller(long? left, long? right) => left is null || right < left ? right : left;

    /// <summary>A filter signals, on any thread.</summary>
    public void Wake(bool isRequest) => (isRequest ? _requestPump : _responsePump)?.Wake();
}
