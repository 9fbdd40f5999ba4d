// Host functions for a runner. They act on the same StreamView as those of the gateway's own metals, so what a plugin may see and do is the same.

using Bimetal.Plugins.ProxyWasm;
using Bimetal.Plugins.ProxyWasm.State;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Targets;

/// <summary>Answers a runner's calls for one plugin.</summary>
internal sealed class RunnerHost(string name, string rootId, PluginHostServices services)
{
    private readonly PluginIdentity _identity = new(name, rootId, name);
    private readonly PluginState _state = services.States.Of(name);

    /// <summary>The open stream; null while none is.</summary>
    public StreamView? View { get; set; }

    /// <summary>The first error that the plugin logged.</summary>
    public string? LastError { get; private set; }

    public RunnerMessage Answer(RunnerCall call, ref RunnerReader arguments)
    {
        bool isAboutFields = call is >= RunnerCall.HeaderGet and <= RunnerCall.HeaderPairs or RunnerCall.SetPairs;
        if (!isAboutFields) return AnswerOther(call, ref arguments);
        uint map = arguments.Number();
        return map <= (uint)HeaderMapKind.ResponseTrailers ? AnswerAboutFields(call, (HeaderMapKind)map, ref arguments) : Status(HostStatus.BadArgument);
    }

    private RunnerMessage AnswerAboutFields(RunnerCall call, HeaderMapKind kind, ref RunnerReader arguments) => call switch
    {
        RunnerCall.HeaderGet => HeaderGet(kind, ref arguments),
        RunnerCall.HeaderSet => Status(View!.ReplaceHeader(kind, arguments.Bytes(), arguments.Bytes())),
        RunnerCall.HeaderAdd => Status(View!.AddHeader(kind, arguments.Bytes(), arguments.Bytes())),
        RunnerCall.HeaderRemove => Status(View!.RemoveHeader(kind, arguments.Bytes())),
        RunnerCall.HeaderCount => View!.ReadableMap(kind) is { } map ? Status(HostStatus.Ok).Long((ulong)map.Count) : Status(HostStatus.BadArgument),
        RunnerCall.HeaderAt => HeaderAt(kind, ref arguments),
        RunnerCall.HeaderPairs => Pairs(kind),
        _ => SetPairs(kind, ref arguments),
    };

    private RunnerMessage AnswerOther(RunnerCall call, ref RunnerReader arguments) => call switch
    {
        RunnerCall.BodyGet => BodyGet(ref arguments),
        RunnerCall.BodyReplace => BodyReplace(ref arguments),
        RunnerCall.Respond => Respond(ref arguments),
        RunnerCall.RespondPairs => RespondPairs(ref arguments),
        RunnerCall.Continue => Status(arguments.Number() switch { 0 => View!.Continue(isRequest: true), 1 => View!.Continue(isRequest: false), _ => HostStatus.BadArgument }),
        RunnerCall.Property => Property(ref arguments),
        RunnerCall.SetProperty => Status(View!.SetProperty(arguments.Bytes(), arguments.Bytes())),
        RunnerCall.Reset => Status(View!.Reset()),
        RunnerCall.Log => Log(ref arguments),
        RunnerCall.LogLevel => Status(HostStatus.Ok).Long((ulong)services.Log.MinimumLevel),
        RunnerCall.Clock => Clock(arguments.Number()),
        RunnerCall.SharedGet => SharedGet(ref arguments),
        RunnerCall.SharedSet => SharedSet(ref arguments),
        RunnerCall.MetricDefine => MetricDefine(arguments.Number(), arguments.Bytes()),
        RunnerCall.MetricAdd => Status(_state.Metrics.Find(arguments.Number())?.Increment((long)arguments.Long()) ?? HostStatus.NotFound),
        RunnerCall.MetricRecord => MetricRecord(arguments.Number(), arguments.Long()),
        RunnerCall.MetricGet => MetricGet(arguments.Number()),
        RunnerCall.QueueOpen => _state.Queues.TryRegister(arguments.Bytes(), listener: null, out uint id) ? Status(HostStatus.Ok).Long(id) : Status(HostStatus.InternalFailure),
        RunnerCall.QueuePush => Status(_state.Queues.Enqueue(arguments.Number(), arguments.Bytes())),
        RunnerCall.QueuePop => QueuePop(arguments.Number()),
        _ => throw new InvalidDataException($"the runner asks for {call}"),
    };

    private static RunnerMessage Status(HostStatus status) => new RunnerMessage().Number((uint)status);

    private RunnerMessage HeaderGet(HeaderMapKind kind, ref RunnerReader arguments)
    {
        if (View!.ReadableMap(kind) is not { } map) return Status(HostStatus.BadArgument);
        return map.TryGet(arguments.Bytes(), out var value) ? Status(HostStatus.Ok).Bytes(value.Span) : Status(HostStatus.NotFound);
    }

    private RunnerMessage HeaderAt(HeaderMapKind kind, ref RunnerReader arguments)
    {
        if (View!.ReadableMap(kind) is not { } map) return Status(HostStatus.BadArgument);
        ulong index = arguments.Long();
        if (index >= (ulong)map.Count) return Status(HostStatus.NotFound);
        var (field, value) = map[(int)index];
        return Status(HostStatus.Ok).Bytes(field.Span).Bytes(value.Span);
    }

    private RunnerMessage Pairs(HeaderMapKind kind)
    {
        if (View!.ReadableMap(kind) is not { } map) return Status(HostStatus.Ok).Bytes([]);
        byte[] pairs = new byte[HeaderPairs.SizeOf(map)];
        HeaderPairs.Write(map, pairs);
        return Status(HostStatus.Ok).Bytes(pairs);
    }

    private RunnerMessage SetPairs(HeaderMapKind kind, ref RunnerReader arguments)
    {
        var fields = new HeaderMap();
        return Status(HeaderPairs.TryRead(arguments.Bytes(), fields) ? View!.ReplaceAllHeaders(kind, fields) : HostStatus.BadArgument);
    }

    private RunnerMessage BodyGet(ref RunnerReader arguments)
    {
        uint buffer = arguments.Number();
        if (buffer > 1) return Status(HostStatus.BadArgument);
        if (View!.Body(isRequest: buffer == 0) is not { } body) return Status(HostStatus.NotFound);
        int start = (int)Math.Min(arguments.Long(), (ulong)body.Length);
        int length = (int)Math.Min(arguments.Long(), (ulong)(body.Length - start));
        return Status(HostStatus.Ok).Bytes(body.Span.Slice(start, length));
    }

    private RunnerMessage BodyReplace(ref RunnerReader arguments)
    {
        uint buffer = arguments.Number();
        if (buffer > 1) return Status(HostStatus.BadArgument);
        if (View!.Body(isRequest: buffer == 0) is not { } body) return Status(HostStatus.NotFound);
        int start = (int)Math.Min(arguments.Long(), (ulong)body.Length);
        int length = (int)Math.Min(arguments.Long(), (ulong)(body.Length - start));
        return Status(body.TryReplace(start, length, arguments.Bytes()) ? HostStatus.Ok : HostStatus.BadArgument);
    }

    private RunnerMessage Respond(ref RunnerReader arguments)
    {
        uint status = arguments.Number(), count = arguments.Number();
        var headers = new HeaderMap();
        for (uint index = 0; index < count; index++) headers.AddCopy(arguments.Bytes(), arguments.Bytes());
        byte[] body = arguments.Bytes().ToArray();
        if (count > HeaderRules.MaximumFieldCount || status > 599) return Status(HostStatus.BadArgument);
        return Status(View!.SendLocalResponse((int)status, headers, body, grpcStatus: -1));
    }

    private RunnerMessage RespondPairs(ref RunnerReader arguments)
    {
        uint status = arguments.Number();
        var headers = new HeaderMap();
        bool isSound = HeaderPairs.TryRead(arguments.Bytes(), headers);
        byte[] body = arguments.Bytes().ToArray();
        if (!View!.MayAnswer(body.Length) || !isSound) return Status(HostStatus.BadArgument);
        return Status(View.SendLocalResponse((int)Math.Min(status, int.MaxValue), headers, body, (int)arguments.Number()));
    }

    private RunnerMessage Property(ref RunnerReader arguments)
    {
        Span<byte> scratch = stackalloc byte[PropertyLookup.ScratchBytes];
        return PropertyLookup.TryGet(View, _identity, arguments.Bytes(), scratch, out var value) ? Status(HostStatus.Ok).Bytes(value) : Status(HostStatus.NotFound);
    }

    private RunnerMessage Log(ref RunnerReader arguments)
    {
        uint level = arguments.Number();
        var message = arguments.Bytes();
        if (level > (uint)PluginLogLevel.Critical) return Status(HostStatus.BadArgument);
        if (level >= (uint)PluginLogLevel.Error) LastError ??= System.Text.Encoding.UTF8.GetString(message);
        if ((PluginLogLevel)level >= services.Log.MinimumLevel) services.Log.Write((PluginLogLevel)level, name, message);
        return Status(HostStatus.Ok);
    }

    private RunnerMessage Clock(uint clock)
    {
        if (clock > 1) return Status(HostStatus.BadArgument);
        long ticks = clock == 0 ? (services.Time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks : services.Time.GetElapsedTime(0).Ticks;
        return Status(HostStatus.Ok).Long((ulong)(ticks * TimeSpan.NanosecondsPerTick));
    }

    private RunnerMessage SharedGet(ref RunnerReader arguments) =>
        _state.Data.TryGet(arguments.Bytes(), out var value, out uint cas) ? Status(HostStatus.Ok).Bytes(value.Span).Long(cas) : Status(HostStatus.NotFound);

    private RunnerMessage MetricDefine(uint kind, ReadOnlySpan<byte> metric)
    {
        if (kind > (uint)PluginMetricKind.Histogram) return Status(HostStatus.BadArgument);
        return _state.Metrics.TryDefine((PluginMetricKind)kind, metric, out uint id) ? Status(HostStatus.Ok).Long(id) : Status(HostStatus.InternalFailure);
    }

    private RunnerMessage MetricRecord(uint metric, ulong value)
    {
        if (_state.Metrics.Find(metric) is not { } found) return Status(HostStatus.NotFound);
        found.Record(value);
        return Status(HostStatus.Ok);
    }

    private RunnerMessage MetricGet(uint metric)
    {
        if (_state.Metrics.Find(metric) is not { } found) return Status(HostStatus.NotFound);
        return found.Kind == PluginMetricKind.Histogram ? Status(HostStatus.BadArgument) : Status(HostStatus.Ok).Long((ulong)found.Value);
    }

    private RunnerMessage QueuePop(uint queue)
    {
        var status = _state.Queues.Dequeue(queue, out var item);
        return status == HostStatus.Ok ? Status(status).Bytes(item.Span) : Status(status);
    }

    private RunnerMessage SharedSet(ref RunnerReader arguments) => Status(_state.Data.Set(arguments.Bytes(), arguments.Bytes(), (uint)arguments.Long()));
}
