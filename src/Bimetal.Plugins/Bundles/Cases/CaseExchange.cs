// Drives one plugin through one exchange, as the gateway's chain would, without network: what the plugin passes on is collected. The meter
// uses it too, so a run without collecting allocates little beside what the plugin host itself does.

using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Text;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Native;
using Bimetal.Plugins.ProxyWasm;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Bundles.Cases;

/// <summary>One exchange of one case with one plugin. Use once.</summary>
public sealed class CaseExchange(PluginCase one) : IStreamWaiter
{
    private static readonly IPEndPoint s_source = new(IPAddress.Loopback, 50000);
    private static readonly IPEndPoint s_destination = new(IPAddress.Loopback, 8080);

    private readonly HttpStream _stream = new() { Source = s_source, Destination = s_destination, RouteName = "case", UpstreamName = "case", StartedAt = one.Clock };
    private bool _isRequestContinued;
    private bool _isResponseContinued;
    private PluginFailure? _failure;
    private CaseTimes? _times;

    /// <summary>Runs the case and collects what came out.</summary>
    public static CaseOutcome Run(Plugin plugin, PluginCase one)
    {
        ArgumentNullException.ThrowIfNull(plugin);
        ArgumentNullException.ThrowIfNull(one);
        var exchange = new CaseExchange(one);
        exchange.FillRequest();
        using var stream = plugin.TryBegin(exchange._stream, out var failure);
        if (stream is null) return new CaseOutcome { End = CaseEnd.Failed, Failure = failure };
        var request = new Collector();
        var response = new Collector();
        var end = exchange.Drive(stream, request, response);
        return new CaseOutcome
        {
            End = end,
            Failure = stream.Failure ?? exchange._failure,
            Request = request.Trace,
            Response = end == CaseEnd.Answered ? Answer(stream) : response.Trace,
        };
    }

    /// <summary>Runs the case for its times only; what passes is dropped.</summary>
    public static void Measure(Plugin plugin, PluginCase one, CaseTimes times)
    {
        ArgumentNullException.ThrowIfNull(plugin);
        ArgumentNullException.ThrowIfNull(one);
        ArgumentNullException.ThrowIfNull(times);
        times.Clear();
        var exchange = new CaseExchange(one) { _times = times };
        exchange.FillRequest();
        long started = Stopwatch.GetTimestamp();
        var stream = plugin.TryBegin(exchange._stream, out _);
        times.BeginTicks = Stopwatch.GetTimestamp() - started;
        times.End = CaseEnd.Failed;
        if (stream is null) return;
        var wasm = stream as WasmPluginStream;
        var before = wasm is null ? default : (wasm.HostCalls, wasm.ValuesHandedOut, wasm.BodyBytesHandedOut);
        times.End = exchange.Drive(stream, null, null);
        if (wasm is not null)
            (times.HostCalls, times.Values, times.CopiedBytes) = (wasm.HostCalls - before.HostCalls, wasm.ValuesHandedOut - before.ValuesHandedOut, wasm.BodyBytesHandedOut - before.BodyBytesHandedOut);
        if (stream is NativePluginStream native) (times.Entries, times.HostCalls, times.Values) = (native.Entries, native.HostCalls, native.LentSlices);
        started = Stopwatch.GetTimestamp();
        stream.Dispose();
        times.EndTicks = Stopwatch.GetTimestamp() - started;
    }

    /// <summary>Looks at something while that many exchanges of one case are between request and response.</summary>
    public static T DuringRequests<T>(Plugin plugin, PluginCase one, int count, Func<T> look)
    {
        ArgumentNullException.ThrowIfNull(plugin);
        ArgumentNullException.ThrowIfNull(one);
        ArgumentNullException.ThrowIfNull(look);
        var streams = new List<PluginStream>();
        try
        {
            while (streams.Count < count)
            {
                var exchange = new CaseExchange(one);
                exchange.FillRequest();
                if (plugin.TryBegin(exchange._stream, out _) is not { } stream) break;
                streams.Add(stream);
                exchange.DriveDirection(stream, isRequest: true, one.Request.Chunks, exchange._stream.RequestHeaders, null);
            }

            return look();
        }
        finally
        {
            foreach (var stream in streams) stream.Dispose();
        }
    }

    private static CaseTrace Answer(PluginStream stream)
    {
        var answer = stream.LocalResponse!;
        var collector = new Collector();
        collector.TakeFields(answer.Headers, $":status: {answer.Status}");
        collector.TakeBody(answer.Body.Span);
        return collector.Trace!;
    }

    private static bool IsOver(PluginStream stream) => stream.Failure is not null || stream.IsReset || stream.LocalResponse is not null;

    void IStreamWaiter.Continue(bool isRequest) => (isRequest ? ref _isRequestContinued : ref _isResponseContinued) = true;

    private CaseEnd Drive(PluginStream stream, Collector? request, Collector? response)
    {
        stream.Waiter = this;
        bool isThrough = DriveDirection(stream, isRequest: true, one.Request.Chunks, _stream.RequestHeaders, request);
        if (isThrough)
        {
            foreach (var (name, value) in one.Response.Fields) _stream.ResponseHeaders.Add(name, value);
            isThrough = DriveDirection(stream, isRequest: false, one.Response.Chunks, _stream.ResponseHeaders, response);
        }

        if (stream.Failure is not null || _failure is not null) return CaseEnd.Failed;
        long started = Now();
        stream.OnLog();
        _times?.AddCallback(started);
        if (stream.Failure is not null) return CaseEnd.Failed;
        if (stream.IsReset) return CaseEnd.Reset;
        if (stream.LocalResponse is not null) return CaseEnd.Answered;
        return isThrough ? CaseEnd.Passed : CaseEnd.Held;
    }

    /// <summary>Headers, then the chunks; true when everything was passed on.</summary>
    private bool DriveDirection(PluginStream stream, bool isRequest, IReadOnlyList<ReadOnlyMemory<byte>> chunks, HeaderMap fields, Collector? collector)
    {
        bool isEnd = chunks.Count == 0;
        long started = Now();
        var action = isRequest ? stream.OnRequestHeaders(isEnd) : stream.OnResponseHeaders(isEnd);
        _times?.AddCallback(started);
        bool isHeld = action == FilterAction.Pause && !TakeContinued(isRequest);
        if (IsOver(stream)) return false;
        if (!isHeld) collector?.TakeFields(fields);
        var body = isRequest ? stream.RequestBody : stream.ResponseBody;
        for (int index = 0; index < chunks.Count; index++)
        {
            CountBytes(isRequest, chunks[index].Length);
            if (!isHeld && !(isRequest ? stream.WantsRequestBody : stream.WantsResponseBody))
            {
                collector?.TakeBody(chunks[index].Span);
                continue;
            }

            if (!TryAppend(body, chunks[index])) return false;
            isEnd = index == chunks.Count - 1;
            started = Now();
            action = isRequest ? stream.OnRequestBody(isEnd) : stream.OnResponseBody(isEnd);
            _times?.AddCallback(started);
            bool isReleased = action == FilterAction.Continue || TakeContinued(isRequest);
            if (IsOver(stream)) return false;
            if (isReleased) Pass(fields, body, collector);
            isHeld = !isReleased;
        }

        return !isHeld;
    }

    private long Now() => _times is null ? 0 : Stopwatch.GetTimestamp();

    private void FillRequest()
    {
        foreach (var (name, value) in one.Request.Fields) _stream.RequestHeaders.Add(name, value);
    }

    private static void Pass(HeaderMap fields, BodyBuffer body, Collector? collector)
    {
        if (collector is { HasFields: false }) collector.TakeFields(fields);
        collector?.TakeBody(body.Span);
        body.Clear();
    }

    private bool TakeContinued(bool isRequest)
    {
        ref bool flag = ref isRequest ? ref _isRequestContinued : ref _isResponseContinued;
        bool was = flag;
        flag = false;
        return was;
    }

    private void CountBytes(bool isRequest, int bytes)
    {
        if (isRequest) _stream.RequestBodyBytes += bytes;
        else _stream.ResponseBodyBytes += bytes;
    }

    private bool TryAppend(BodyBuffer body, ReadOnlyMemory<byte> chunk)
    {
        if (body.TryAppend(chunk.Span)) return true;
        _failure = new PluginFailure(FailureKind.Memory, $"a held body passed limits.body_buffer ({body.LimitBytes} bytes)");
        return false;
    }

    /// <summary>Gathers one message as it leaves the plugin.</summary>
    private sealed class Collector
    {
        private readonly List<string> _fields = [];
        private readonly ArrayBufferWriter<byte> _body = new();

        public bool HasFields { get; private set; }

        public CaseTrace? Trace => HasFields ? new CaseTrace(_fields, _body.WrittenSpan.ToArray()) : null;

        public void TakeFields(HeaderMap fields, string? first = null)
        {
            HasFields = true;
            if (first is not null) _fields.Add(first);
            for (int index = 0; index < fields.Count; index++)
                _fields.Add($"{Encoding.Latin1.GetString(fields[index].Name.Span)}: {Encoding.Latin1.GetString(fields[index].Value.Span)}");
        }

        public void TakeBody(ReadOnlySpan<byte> bytes) => _body.Write(bytes);
    }
}
