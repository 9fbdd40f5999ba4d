// One exchange that somebody wants to know the times of: for its trace, for Server-Timing, or as one of the few whose filters are timed. Other
// exchanges have none, and pay nothing.

using System.Diagnostics;
using System.Globalization;
using System.Text;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Telemetry.Tracing;

/// <summary>Belongs to its exchange.</summary>
internal sealed class Observation
{
    private static readonly byte[] ServerTiming = "server-timing"u8.ToArray();

    private readonly FilterStep[] _steps;
    private readonly BudgetWatch? _budget;
    private readonly bool _showsTimes;
    private readonly Activity? _server;
    private readonly Activity? _upstream;
    private long _sentAt;
    private long _answeredAt;

    /// <param name="budget">That of the route's chain; null: it has none.</param>
    /// <param name="showsTimes">The response says them.</param>
    /// <param name="server">The span of the exchange, started; null when it is not traced.</param>
    /// <param name="upstream">That of the request to the upstream, whose id the upstream was given.</param>
    public Observation(FilterStep[] steps, BudgetWatch? budget, bool showsTimes, Activity? server, Activity? upstream)
    {
        _steps = steps;
        _budget = budget;
        _showsTimes = showsTimes;
        _server = server;
        _upstream = upstream;
        foreach (ref var step in steps.AsSpan()) step.IsTimed = true;
    }

    /// <summary>The request begins to go to the upstream; again for another try.</summary>
    public void Sent() => _sentAt = Stopwatch.GetTimestamp();

    /// <summary>The upstream's response has begun.</summary>
    public void Answered() => _answeredAt = Stopwatch.GetTimestamp();

    /// <summary>Adds <c>Server-Timing</c> when it is wanted: what the filters took until now, and the upstream.</summary>
    public void WriteServerTiming(HeaderMap response)
    {
        if (!_showsTimes) return;
        var text = new StringBuilder(64);
        foreach (ref readonly var step in _steps.AsSpan())
        {
            if (step.TookTicks > 0) Add(text, step.Filter.Name, TimeOf(step.TookTicks));
        }

        if (_answeredAt != 0) Add(text, "upstream", Stopwatch.GetElapsedTime(_sentAt, _answeredAt));
        if (text.Length > 0) response.Add(ServerTiming, Encoding.ASCII.GetBytes(text.ToString()));
    }

    /// <summary>The exchange is over: ends its spans and records the times of its filters.</summary>
    public void End(in AccessLogEntry entry, FilterTimes times)
    {
        var chain = TimeSpan.Zero;
        foreach (ref readonly var step in _steps.AsSpan())
        {
            if (step.TookTicks == 0) continue;
            var took = TimeOf(step.TookTicks);
            chain += took;
            times.Of(step.Filter.Name).Record((long)took.TotalNanoseconds);
            step.Filter.Budget?.Record(took);
        }

        _budget?.Record(chain);

        if (_server is not null) EndSpans(_server, entry);
    }

    private void EndSpans(Activity server, in AccessLogEntry entry)
    {
        long now = Stopwatch.GetTimestamp();
        var end = DateTime.UtcNow;
        foreach (ref readonly var step in _steps.AsSpan())
        {
            if (step.TookTicks == 0) continue;
            using var span = OtlpExport.Source.CreateActivity("filter " + step.Filter.Name, ActivityKind.Internal, server.Context);
            if (span is null) continue;
            var began = end - Stopwatch.GetElapsedTime(step.FirstAt, now);
            span.SetStartTime(began).Start();
            span.SetEndTime(began + TimeOf(step.TookTicks));
        }

        if (_upstream is not null && _sentAt != 0)
        {
            var began = end - Stopwatch.GetElapsedTime(_sentAt, now);
            _upstream.SetStartTime(began);
            _upstream.SetTag("server.address", entry.Endpoint);
            _upstream.SetEndTime(_answeredAt != 0 ? end - Stopwatch.GetElapsedTime(_answeredAt, now) : end);
            if (_answeredAt == 0) _upstream.SetStatus(ActivityStatusCode.Error, entry.Error?.Code);
            _upstream.Stop();
        }

        server.SetTag("http.response.status_code", entry.Status);
        server.SetTag("http.request.body.size", entry.RequestBytes);
        server.SetTag("http.response.body.size", entry.ResponseBytes);
        if (entry.Error is { } error)
        {
            server.SetTag("error.type", error.Code);
            server.SetTag("bimetal.error_id", entry.ErrorId);
        }

        if (entry.Status >= 500) server.SetStatus(ActivityStatusCode.Error, entry.Error?.Code);
        server.SetEndTime(end);
        server.Stop();
        Activity.Current = null;
    }

    // A name of a metric is a token; names of plugins are chosen freely.
    private static void Add(StringBuilder text, string name, TimeSpan time)
    {
        if (text.Length > 0) text.Append(", ");
        foreach (char character in name) text.Append(char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.' ? character : '_');
        text.Append(CultureInfo.InvariantCulture, $";dur={time.TotalMilliseconds:0.###}");
    }

    private static TimeSpan TimeOf(long ticks) => Stopwatch.GetElapsedTime(0, ticks);
}
