// One step of a chain, built in or plugin: a Filter lives as long as the configuration, a FilterStream as long as one exchange.

using Bimetal.Gateway.Telemetry;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Pipeline;

/// <summary>A configured filter. Thread-safe.</summary>
public abstract class Filter
{
    /// <summary>For the log and for errors.</summary>
    public abstract string Name { get; }

    /// <summary>What it may add to a request, and whether it keeps to that; null without a <c>latency_budget</c>.</summary>
    internal virtual BudgetWatch? Budget => null;

    /// <summary>
    /// Begins an exchange, right before this filter's first callback; request headers may be read and changed here already. Null when the filter
    /// takes no further part: with an <paramref name="error"/> the exchange is answered with it, without one it goes on without this filter,
    /// and without the cost of a stream.
    /// </summary>
    public abstract FilterStream? Begin(HttpStream stream, out GatewayError? error);
}

/// <summary>
/// One filter on one exchange: the callbacks come in the order of HTTP, one at a time, and only those from headers onwards. After each callback the
/// pipeline looks at <see cref="Error"/>, <see cref="IsReset"/>, <see cref="Answer"/> and <see cref="IsBypassed"/>, then at the action.
/// </summary>
public abstract class FilterStream : IStreamWaiter, IDisposable
{
    private StepDirection _request;
    private StepDirection _response;
    private ExchangeContext? _exchange;

    /// <summary>Set when the filter failed closed: the exchange is answered with it.</summary>
    public GatewayError? Error { get; protected set; }

    /// <summary>Set when the filter answers instead of the upstream.</summary>
    public LocalResponse? Answer { get; protected set; }

    /// <summary>Set when the filter wants the exchange broken off without an answer.</summary>
    public bool IsReset { get; protected set; }

    /// <summary>Set when the filter failed open: what it held goes on and it is not called again.</summary>
    public bool IsBypassed { get; protected set; }

    /// <summary>Whether request body chunks are shown to this filter. It may change while the body passes.</summary>
    public virtual bool WantsRequestBody => false;

    /// <summary>Whether response body chunks are shown to this filter. It may change while the body passes.</summary>
    public virtual bool WantsResponseBody => false;

    /// <summary>Whether a body that it is shown can come out as another one: then its length is not promised before its end.</summary>
    public virtual bool ChangesBody => true;

    /// <summary>Longest time that one pause may last; null: no limit.</summary>
    public virtual TimeSpan? PauseLimit => null;

    /// <summary>What the filter sees and holds of the request body; null when it has no buffer of its own.</summary>
    public virtual BodyBuffer? RequestBody => null;

    public virtual BodyBuffer? ResponseBody => null;

    public virtual FilterAction OnRequestHeaders(bool endOfStream) => FilterAction.Continue;

    public virtual FilterAction OnRequestBody(bool endOfStream) => FilterAction.Continue;

    public virtual FilterAction OnRequestTrailers() => FilterAction.Continue;

    public virtual FilterAction OnResponseHeaders(bool endOfStream) => FilterAction.Continue;

    public virtual FilterAction OnResponseBody(bool endOfStream) => FilterAction.Continue;

    public virtual FilterAction OnResponseTrailers() => FilterAction.Continue;

    /// <summary>
    /// Called by the filter, on any thread, when something happened to a paused direction (true for the request): it may go on, or was
    /// answered, or failed. It returns at once.
    /// </summary>
    public void Continue(bool isRequest)
    {
        if (_exchange is not { } exchange) return;
        Direction(isRequest).Signal();
        exchange.Wake(isRequest);
    }

    /// <summary>Brings <see cref="Error"/>, <see cref="Answer"/> and the like up to date after <see cref="Continue"/>.</summary>
    public virtual void Refresh(ErrorPhase phase)
    {
    }

    /// <summary>A pause went past <see cref="PauseLimit"/>: the filter sets <see cref="Error"/> or <see cref="IsBypassed"/>.</summary>
    public virtual void OnPauseExpired() => IsBypassed = true;

    /// <summary>The exchange was answered: the last callback.</summary>
    public virtual void OnLog()
    {
    }

    public virtual void Dispose() => GC.SuppressFinalize(this);

    /// <summary>What the step of this filter holds of a message.</summary>
    internal ref StepDirection Direction(bool isRequest)
    {
        if (isRequest) return ref _request;
        return ref _response;
    }

    /// <summary>From now on <see cref="Continue"/> has somebody to wake.</summary>
    internal void JoinExchange(ExchangeContext exchange) => _exchange = exchange;
}
