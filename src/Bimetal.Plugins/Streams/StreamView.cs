// An HttpStream as one plugin may see and change it. Host functions of both metals come here, so the rules of what is readable,
// writable and still possible at each point of an exchange are written once. The state behind the rules is DirectionState.

namespace Bimetal.Plugins.Streams;

/// <summary>
/// One plugin's view of an exchange. Used by one thread at a time, except for <see cref="Continue"/> and
/// <see cref="SendLocalResponse"/> on a stream that is held, which a timer's thread may call.
/// </summary>
public class StreamView(HttpStream stream, int bodyLimitBytes, ByteQuota? heldBodies = null)
{
    private DirectionState _request;
    private DirectionState _response;
    private BodyBuffer? _requestBody;
    private BodyBuffer? _responseBody;
    private bool _endOfStream;

    public HttpStream Stream { get; } = stream;

    public BodyBuffer RequestBody => _requestBody ??= new BodyBuffer(bodyLimitBytes, heldBodies);

    public BodyBuffer ResponseBody => _responseBody ??= new BodyBuffer(bodyLimitBytes, heldBodies);

    /// <summary>The callback that is running, if any.</summary>
    public StreamCallback Callback { get; private set; }

    /// <summary>The first answer that the plugin gave; later ones are ignored.</summary>
    public LocalResponse? LocalResponse { get; private set; }

    /// <summary>True once the plugin asked to break the exchange off.</summary>
    public bool IsReset { get; private set; }

    /// <summary>Told when something happened to the stream while no callback of it was running.</summary>
    public IStreamWaiter? Waiter { get; set; }

    /// <summary>True while the plugin holds something back in that direction.</summary>
    public bool IsHeld(bool isRequest) => (isRequest ? _request : _response).IsHeld;

    /// <summary>Whether host calls may look at the exchange: in its own callbacks, or from elsewhere while it is held and so stands still.</summary>
    public bool IsReadable => Callback != StreamCallback.None || _request.IsHeld || _response.IsHeld;

    /// <summary>The exchange is over: what its bodies took of the plugin's quota is free again.</summary>
    public void ReleaseBodies()
    {
        _requestBody?.Release();
        _responseBody?.Release();
    }

    /// <summary>Marks the beginning of a callback.</summary>
    public void Enter(StreamCallback callback, bool endOfStream)
    {
        Callback = callback;
        _endOfStream = endOfStream;
        if (callback != StreamCallback.Log) Direction(callback).Begin(callback);
    }

    /// <summary>Marks the end of a callback; the action counts unless the plugin continued, answered or reset the stream meanwhile.</summary>
    public FilterAction Leave(FilterAction action)
    {
        var callback = Callback;
        Callback = StreamCallback.None;
        if (LocalResponse is not null || IsReset) return FilterAction.Pause;
        return callback == StreamCallback.Log ? action : Direction(callback).End(callback, action);
    }

    /// <summary>The map for reading, or null when the plugin may not look at it now.</summary>
    public HeaderMap? ReadableMap(HeaderMapKind kind)
    {
        bool isRequest = IsRequest(kind);
        return Callback != StreamCallback.None || IsHeld(isRequest) ? Map(kind) : null;
    }

    /// <summary>The map for changing, or null when it has been passed on or has not come yet.</summary>
    public HeaderMap? WritableMap(HeaderMapKind kind) => IsWritable(kind) ? Map(kind) : null;

    public HostStatus AddHeader(HeaderMapKind kind, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        // A second :path or :status would be no message, so adding one means replacing it.
        if (HeaderRules.IsPseudo(name)) return ReplaceHeader(kind, name, value);
        if (WritableMap(kind) is not { } map || !HasRoom(map, name, value)) return HostStatus.BadArgument;
        if (Settled?.Find(name, value) is { } field)
        {
            map.Add(field.Name, field.Value);
            return HostStatus.Ok;
        }

        if (!HeaderRules.IsAllowed(kind, name, value)) return HostStatus.BadArgument;
        map.AddCopy(name, value);
        Settled?.Note(name, value);
        return HostStatus.Ok;
    }

    public HostStatus ReplaceHeader(HeaderMapKind kind, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (WritableMap(kind) is not { } map || !HasRoom(map, name, value)) return HostStatus.BadArgument;
        if (Settled?.Find(name, value) is { } field)
        {
            map.Set(field.Name, field.Value);
            return HostStatus.Ok;
        }

        if (!HeaderRules.IsAllowed(kind, name, value)) return HostStatus.BadArgument;
        map.SetCopy(name, value);
        Settled?.Note(name, value);
        return HostStatus.Ok;
    }

    /// <summary>Removes every field of that name; there need not be one.</summary>
    public HostStatus RemoveHeader(HeaderMapKind kind, ReadOnlySpan<byte> name)
    {
        if (WritableMap(kind) is not { } map || !HeaderRules.IsRemovable(name)) return HostStatus.BadArgument;
        map.Remove(name);
        return HostStatus.Ok;
    }

    /// <summary>Replaces all fields; pseudo-headers that <paramref name="fields"/> leaves out stay as they are.</summary>
    public HostStatus ReplaceAllHeaders(HeaderMapKind kind, HeaderMap fields)
    {
        if (WritableMap(kind) is not { } map || fields.Count > HeaderRules.MaximumFieldCount || fields.TotalBytes > HeaderRules.MaximumTotalBytes)
            return HostStatus.BadArgument;
        for (int index = 0; index < fields.Count; index++)
        {
            if (!HeaderRules.IsAllowed(kind, fields[index].Name.Span, fields[index].Value.Span)) return HostStatus.BadArgument;
        }

        KeepPseudoHeaders(map);
        for (int index = 0; index < fields.Count; index++)
        {
            var (name, value) = fields[index];
            if (HeaderRules.IsPseudo(name.Span)) map.Set(name, value);
            else map.Add(name, value);
        }

        return HostStatus.Ok;
    }

    /// <summary>The body as it stands, or null outside of that direction's body callback and of what follows while it is held.</summary>
    public BodyBuffer? Body(bool isRequest)
    {
        bool inBody = Callback == (isRequest ? StreamCallback.RequestBody : StreamCallback.ResponseBody);
        return inBody || (Callback != StreamCallback.None && Direction(isRequest).IsBodyHeld) ? (isRequest ? RequestBody : ResponseBody) : null;
    }

    /// <summary>Lets a held direction go on: at the end of its running callback, or at once.</summary>
    public HostStatus Continue(bool isRequest)
    {
        ref var direction = ref Direction(isRequest);
        bool isOwnCallback = Callback is not (StreamCallback.None or StreamCallback.Log) && IsRequest(Callback) == isRequest;
        if (direction.Continue(isOwnCallback)) Waiter?.Continue(isRequest);
        return HostStatus.Ok;
    }

    /// <summary>Sets a property of the exchange, for the plugins of the chain; those that the host answers itself cannot be set.</summary>
    public HostStatus SetProperty(ReadOnlySpan<byte> path, ReadOnlySpan<byte> value) =>
        Callback != StreamCallback.None && !path.IsEmpty && !PropertyLookup.IsReserved(path) && Stream.Properties.TrySet(path, value)
            ? HostStatus.Ok
            : HostStatus.BadArgument;

    /// <summary>True while the plugin may answer with a body of that length; look here before copying it.</summary>
    public bool MayAnswer(int bodyLengthBytes) =>
        bodyLengthBytes <= bodyLimitBytes && !_response.AreHeadersReleased
        && (Callback == StreamCallback.None ? _request.IsHeld || _response.IsHeld : Callback != StreamCallback.Log);

    /// <summary>Answers in the upstream's place. The first answer wins; refused once the response headers have been passed on.</summary>
    /// <param name="headers">Fields besides :status, owned by the stream from now on.</param>
    public HostStatus SendLocalResponse(int status, HeaderMap headers, ReadOnlyMemory<byte> body, int grpcStatus)
    {
        if (LocalResponse is not null) return HostStatus.Ok;
        if (status is < 200 or > 599 || !MayAnswer(body.Length)) return HostStatus.BadArgument;
        for (int index = 0; index < headers.Count; index++)
        {
            var (name, value) = headers[index];
            if (!HeaderRules.IsName(name.Span) || !HeaderRules.IsValue(value.Span)) return HostStatus.BadArgument;
        }

        LocalResponse = new LocalResponse(status, headers, body, grpcStatus);
        NotifyWhenHeld();
        return HostStatus.Ok;
    }

    /// <summary>Breaks the exchange off.</summary>
    public HostStatus Reset()
    {
        IsReset = true;
        NotifyWhenHeld();
        return HostStatus.Ok;
    }

    /// <summary>Wakes whoever waits for a held direction, after a failure for example.</summary>
    public void NotifyWhenHeld()
    {
        if (Callback != StreamCallback.None) return;
        if (_request.IsHeld) Waiter?.Continue(isRequest: true);
        if (_response.IsHeld) Waiter?.Continue(isRequest: false);
    }

    /// <summary>Fields that were judged and copied for other streams of the plugin; null: none are.</summary>
    private protected virtual SettledFields? Settled => null;

    private static bool IsRequest(HeaderMapKind kind) => kind is HeaderMapKind.RequestHeaders or HeaderMapKind.RequestTrailers;

    private static bool IsRequest(StreamCallback callback) => callback <= StreamCallback.RequestTrailers;

    // First of the checks, so that no more bytes are looked at than may be added. In 64 bits: two lengths of a guest can pass 2^31.
    private static bool HasRoom(HeaderMap map, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
        map.Count < HeaderRules.MaximumFieldCount && (long)name.Length + value.Length <= HeaderRules.MaximumTotalBytes - map.TotalBytes;

    private static void KeepPseudoHeaders(HeaderMap map)
    {
        var kept = new List<HeaderField>();
        for (int index = 0; index < map.Count; index++)
        {
            if (HeaderRules.IsPseudo(map[index].Name.Span)) kept.Add(map[index]);
        }

        map.Clear();
        foreach (var field in kept) map.Add(field.Name, field.Value);
    }

    private HeaderMap Map(HeaderMapKind kind) => kind switch
    {
        HeaderMapKind.RequestHeaders => Stream.RequestHeaders,
        HeaderMapKind.RequestTrailers => Stream.RequestTrailers,
        HeaderMapKind.ResponseHeaders => Stream.ResponseHeaders,
        _ => Stream.ResponseTrailers,
    };

    private bool IsWritable(HeaderMapKind kind)
    {
        bool isRequest = IsRequest(kind);
        bool isOwnCallback = Callback is not (StreamCallback.None or StreamCallback.Log) && IsRequest(Callback) == isRequest;
        ref var direction = ref Direction(isRequest);
        if (!isOwnCallback && !direction.IsHeld) return false;
        if (kind is HeaderMapKind.RequestHeaders or HeaderMapKind.ResponseHeaders) return !direction.AreHeadersReleased;

        // Trailers: theirs is the last callback; at the end of a body without any they can be added.
        bool atEnd = isOwnCallback && _endOfStream && (Callback is StreamCallback.RequestBody or StreamCallback.ResponseBody);
        return atEnd || direction.HaveTrailersCome;
    }

    private ref DirectionState Direction(StreamCallback callback) => ref Direction(IsRequest(callback));

    private ref DirectionState Direction(bool isRequest)
    {
        if (isRequest) return ref _request;
        return ref _response;
    }
}
