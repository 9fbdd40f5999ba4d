// Traces and metrics over OTLP, by the OpenTelemetry SDK. What is sampled is decided here, before anything is allocated: the sampler of the SDK
// sees only exchanges that are to be exported.

using System.Diagnostics;
using System.Diagnostics.Metrics;
using Bimetal.Gateway.Admin;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Routing;
using Bimetal.Gateway.Telemetry.Metrics;
using Bimetal.Plugins;
using Bimetal.Plugins.Failure;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Bimetal.Gateway.Telemetry.Tracing;

/// <summary>Thread-safe. What is not exported when it is disposed of is sent first, for <see cref="LastExportMs"/> at most.</summary>
internal sealed class OtlpExport : IAsyncDisposable
{
    private const int LastExportMs = 2000;
    private const string Name = "Bimetal.Gateway";

    private readonly OtlpConfig _config;
    private readonly TracerProvider _traces;
    private readonly MeterProvider _metrics;
    private readonly Meter _meter;
    private readonly Histogram<double> _duration;

    /// <param name="plugins">Gives the plugins that are loaded at the moment.</param>
    public OtlpExport(OtlpConfig config, Func<IEnumerable<Plugin>> plugins)
    {
        _config = config;
        var resource = ResourceBuilder.CreateDefault().AddService(config.Service, serviceVersion: ProcessFigures.Version);
        _traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource(Name).SetSampler(new AlwaysOnSampler())
            .AddOtlpExporter(options => SetUp(options, "v1/traces")).Build();

        // A meter per export: a reload that changes it must not leave instruments of the one before behind.
        _meter = new Meter(Name, ProcessFigures.Version);
        _duration = _meter.CreateHistogram<double>("http.server.request.duration", "s", "Time from the head of a request to the end of its response.");
        AddPluginInstruments(plugins);
        double[] edges = [.. LatencyBuckets.Published.Select(index => LatencyBuckets.EdgesUs[index] / 1e6)];
        _metrics = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter(Name)
            .AddView(_duration.Name, new ExplicitBucketHistogramConfiguration { Boundaries = edges })
            .AddOtlpExporter((options, reader) =>
            {
                SetUp(options, "v1/metrics");
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = (int)config.Interval.TotalMilliseconds;
            }).Build();
    }

    /// <summary>Makes the spans.</summary>
    public static ActivitySource Source { get; } = new(Name, ProcessFigures.Version);

    /// <summary>
    /// Takes up the trace of a request, or begins one, and writes what the upstream gets. The spans of the exchange when it is sampled: the
    /// client says so, or its turn has come.
    /// </summary>
    public (Activity? Server, Activity? Upstream) Begin(ExchangeContext context, string target)
    {
        var stream = context.Stream;
        var fields = stream.RequestHeaders;
        bool isTheirs = TraceContext.TryRead(fields, out var theirs);
        bool isSampled = isTheirs ? theirs.IsSampled : Random.Shared.NextDouble() < _config.Sampling;
        if (!isSampled)
        {
            // Without a span of ours the upstream's parent is the client's, when there is one.
            if (!isTheirs) new TraceContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), IsSampled: false).Write(fields, keepState: false);
            return (null, null);
        }

        var parent = isTheirs ? new ActivityContext(theirs.TraceId, theirs.ParentId, ActivityTraceFlags.Recorded, TraceContext.State(fields), isRemote: true) : default;
        Activity.Current = null;
        string method = context.Client.Method;
        var server = Source.StartActivity($"{method} {stream.RouteName}", ActivityKind.Server, parent);
        if (server is null) return (null, null);
        server.SetTag("http.request.method", method);
        server.SetTag("http.route", stream.RouteName);

        // Without the query, which can hold secrets.
        server.SetTag("url.path", RequestTarget.PathOf(target).ToString());
        server.SetTag("server.address", context.Client.Authority);
        server.SetTag("client.address", stream.Source?.Address.ToString());
        server.SetTag("network.protocol.version", stream.Protocol.Replace("HTTP/", "", StringComparison.Ordinal));
        var upstream = Source.StartActivity("upstream " + stream.UpstreamName, ActivityKind.Client, server.Context);

        // The exchange goes on on other threads, and other exchanges on this one.
        Activity.Current = null;
        var next = upstream ?? server;
        new TraceContext(next.TraceId, next.SpanId, IsSampled: true).Write(fields, keepState: isTheirs);
        return (server, upstream);
    }

    public void Count(in AccessLogEntry entry)
    {
        var tags = new TagList { { "http.request.method", FieldRules.IsMethod(entry.Method) ? entry.Method : "_OTHER" }, { "http.response.status_code", entry.Status } };
        if (entry.Route is not null) tags.Add("http.route", entry.Route);
        if (entry.Error is not null) tags.Add("error.type", entry.Error.Code);
        _duration.Record(entry.Duration.TotalSeconds, tags);
    }

    public ValueTask DisposeAsync()
    {
        _traces.ForceFlush(LastExportMs);
        _metrics.ForceFlush(LastExportMs);
        _traces.Dispose();
        _metrics.Dispose();
        _meter.Dispose();
        return ValueTask.CompletedTask;
    }

    private void SetUp(OtlpExporterOptions options, string path)
    {
        options.Protocol = _config.IsGrpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;

        // An endpoint that is set by hand is used as it stands.
        options.Endpoint = _config.IsGrpc ? _config.Endpoint : new Uri(_config.Endpoint, path);
        options.TimeoutMilliseconds = LastExportMs;
    }

    private void AddPluginInstruments(Func<IEnumerable<Plugin>> plugins)
    {
        _meter.CreateObservableCounter(
            "bimetal.plugin.calls", () => plugins().Select(plugin => new Measurement<long>(plugin.Statistics.Streams, Tag("bimetal.plugin", plugin.Name))), null, "Requests that came to the plugin.");
        _meter.CreateObservableCounter(
            "bimetal.plugin.failures",
            () => plugins().SelectMany(plugin => Enum.GetValues<FailureKind>().Select(kind => new Measurement<long>(
                plugin.Statistics.FailuresOf(kind), Tag("bimetal.plugin", plugin.Name), Tag("kind", PluginWords.Of(kind))))),
            null, "Requests in which the plugin failed.");
        _meter.CreateObservableCounter(
            "bimetal.plugin.cpu", () => plugins().Select(plugin => new Measurement<double>(plugin.Statistics.EstimatedCpu.TotalSeconds, Tag("bimetal.plugin", plugin.Name))), "s", "CPU time in the plugin's callbacks, estimated.");
    }

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
