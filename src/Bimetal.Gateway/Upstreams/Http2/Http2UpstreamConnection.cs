// One HTTP/2 connection to an upstream: many calls at once. Reads frames until the connection ends, and hands them to the calls.

using System.Buffers;
using System.Buffers.Binary;
using Bimetal.Gateway.Http2;
using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Transport;

namespace Bimetal.Gateway.Upstreams.Http2;

/// <summary>Used by the thread of its loop.</summary>
internal sealed class Http2UpstreamConnection
{
    /// <summary>What an upstream may send of one response before somebody takes it.</summary>
    public const int StreamWindowBytes = 256 << 10;

    private const int ConnectionWindowBytes = 4 * StreamWindowBytes;
    private const int DefaultWindowBytes = 65535;
    private const int LastStream = int.MaxValue - 2;

    // Until the upstream says how many it takes.
    private const int FirstStreams = 100;
    private const int MaximumPayloadBytes = 16 << 10;

    // Full buffers in a row after which other connections of the loop have their turn.
    private const int ReadsPerTurn = 16;

    private readonly Channel _channel;
    private readonly ConnectionVitals _vitals;
    private readonly Dictionary<int, Http2UpstreamCall> _calls = [];
    private readonly ArrayBufferWriter<byte> _block = new();
    private int _nextStream = 1;
    private int _blockStream;
    private byte _blockFlags;
    private long _initialWindow = DefaultWindowBytes;
    private int _maximumStreams = FirstStreams;
    private int _received;
    private long _receiveWindow = ConnectionWindowBytes;
    private bool _isClosing;
    private bool _isSilent;

    public Http2UpstreamConnection(Channel channel)
    {
        _channel = channel;
        Output = new FrameOutput(channel);
        _vitals = new ConnectionVitals(channel.Loop, Ping, EndSilent);
    }

    public EventLoop Loop => _channel.Loop;

    public FrameOutput Output { get; }

    /// <summary>For the bodies of all calls together.</summary>
    public FlowWindow SendWindow { get; } = new(DefaultWindowBytes);

    /// <summary>Largest payload that the upstream takes.</summary>
    public int MaximumFrameBytes { get; private set; } = MaximumPayloadBytes;

    /// <summary>A request has been answered on it.</summary>
    public bool IsProven { get; set; }

    public int Calls => _calls.Count;

    public long IdleSinceMs { get; private set; }

    /// <summary>It takes no more calls, now or for good.</summary>
    public bool IsFull => _isClosing || _channel.IsClosed || _vitals.IsInDoubt || _calls.Count >= _maximumStreams;

    public bool IsBroken => _channel.IsClosed;

    public bool IsEnding => _isClosing || _channel.IsClosed;

    /// <summary>Sends the preface and begins to read.</summary>
    public async Task StartAsync()
    {
        await _channel.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
        byte[] settings = new byte[18];
        WriteSetting(settings, 0, 1, 0);                       // HEADER_TABLE_SIZE: no dynamic table
        WriteSetting(settings, 6, 2, 0);                       // ENABLE_PUSH: none
        WriteSetting(settings, 12, 4, StreamWindowBytes);      // INITIAL_WINDOW_SIZE
        Output.Add(FrameType.Settings, 0, 0, settings);
        AddWindowUpdate(0, ConnectionWindowBytes - DefaultWindowBytes);
        await Output.FlushAsync();
        IdleSinceMs = Loop.NowMs;
        _ = ReceiveAsync();
    }

    /// <summary>Gives a call its stream.</summary>
    public int Open(Http2UpstreamCall call)
    {
        int stream = _nextStream;
        _nextStream += 2;
        if (_nextStream >= LastStream) _isClosing = true;
        _calls[stream] = call;
        return stream;
    }

    public FlowWindow NewStreamWindow() => new(_initialWindow);

    /// <summary>The call is over on both sides, or was reset.</summary>
    public void Forget(int stream)
    {
        if (!_calls.Remove(stream)) return;
        IdleSinceMs = Loop.NowMs;
        if (_isClosing && _calls.Count == 0) Close();
    }

    public void Reset(int stream, Http2Error error)
    {
        Span<byte> code = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(code, (uint)error);
        Try(FrameType.Reset, stream, code);
    }

    /// <summary>A body frame is about to leave.</summary>
    public void TakeWindow(FlowWindow stream, int bytes)
    {
        stream.Take(bytes);
        SendWindow.Take(bytes);
        _vitals.Progress();
    }

    /// <summary>A request was given up without an answer: was that the upstream's, or is nobody there?</summary>
    public void NoteUnanswered() => _vitals.Unanswered();

    /// <summary>Bytes of a body have been taken: the upstream may send as many more.</summary>
    /// <param name="streamBytes">Of them on this stream; zero when that is over.</param>
    public void Credit(int stream, int bytes, int streamBytes)
    {
        _received += bytes;
        if (streamBytes > 0) AddWindowUpdate(stream, streamBytes);
        if (_received >= ConnectionWindowBytes / 2)
        {
            AddWindowUpdate(0, _received);
            _receiveWindow += _received;
            _received = 0;
        }

        Flush();
    }

    public void Close()
    {
        _isClosing = true;
        _channel.Close();
    }

    // Never throws: how the connection ended is told to its calls.
    private async Task ReceiveAsync()
    {
        byte[] buffer = new byte[BufferPool.MediumBytes];
        int filled = 0, reads = 0;
        Exception? reason = null;
        try
        {
            while (true)
            {
                int count = await _channel.ReadAsync(buffer.AsMemory(filled));
                if (count <= 0) break;
                reads = filled + count == buffer.Length ? reads + 1 : 0;
                if (reads % ReadsPerTurn == ReadsPerTurn - 1) await Task.Yield();
                _vitals.Heard();
                filled += count;
                int used = 0;
                while (filled - used >= FrameHead.Bytes)
                {
                    var head = FrameHead.Read(buffer.AsSpan(used));
                    if (head.Length > MaximumPayloadBytes) throw new Http2FormatException(Http2Error.FrameSize, "a frame that is too long");
                    if (filled - used - FrameHead.Bytes < head.Length) break;
                    OnFrame(head, buffer.AsSpan(used + FrameHead.Bytes, head.Length));
                    used += FrameHead.Bytes + head.Length;
                }

                buffer.AsSpan(used, filled - used).CopyTo(buffer);
                filled -= used;
                Flush();
            }
        }
        catch (Exception exception) when (exception is IOException or Http2FormatException)
        {
            reason = _isSilent ? new IOException("the upstream does not answer") : exception;
            if (exception is Http2FormatException wrong) SayGoAway(wrong.Error);
        }

        Close();
        _vitals.End();
        foreach (var call in _calls.Values.ToArray()) call.Fail(reason ?? new IOException("the upstream closed the connection"), isUnsent: false);
        _calls.Clear();
        SendWindow.Wake();
    }

    private void OnFrame(FrameHead head, ReadOnlySpan<byte> payload)
    {
        if (_blockStream != 0 && (head.Type != FrameType.Continuation || head.Stream != _blockStream)) throw Wrong("a frame within a field block");
        _vitals.CountFrame();
        switch (head.Type)
        {
            case FrameType.Data:
                OnData(head, payload);
                break;
            case FrameType.Headers:
                OnHeaders(head, payload);
                break;
            case FrameType.Continuation:
                if (_blockStream == 0) throw Wrong("a continuation of nothing");
                OnBlock(head, payload);
                break;
            case FrameType.Reset:
                OnReset(head, payload);
                break;
            case FrameType.Settings:
                OnSettings(head, payload);
                break;
            case FrameType.PushPromise:
                throw Wrong("a push that we do not want");
            case FrameType.Ping:
                if (head.Stream != 0 || payload.Length != 8) throw Wrong("a ping that is none");
                if (!head.Has(FrameHead.Ack)) Output.Add(FrameType.Ping, FrameHead.Ack, 0, payload);
                break;
            case FrameType.GoAway:
                OnGoAway(payload);
                break;
            case FrameType.WindowUpdate:
                OnWindowUpdate(head, payload);
                break;
        }
    }

    private void OnData(FrameHead head, ReadOnlySpan<byte> payload)
    {
        _receiveWindow -= payload.Length;
        if (head.Stream == 0 || _receiveWindow < 0) throw new Http2FormatException(Http2Error.FlowControl, "more data than we allowed");
        var data = head.WithoutPadding(payload);
        if (_calls.TryGetValue(head.Stream, out var call))
        {
            if (!data.IsEmpty) _vitals.Progress();
            call.OnData(data, payload.Length - data.Length, head.Has(FrameHead.EndStream));
        }
        else if (head.Stream >= _nextStream || (head.Stream & 1) == 0) throw Wrong("data of a stream that we did not open");
        else Credit(head.Stream, payload.Length, 0);
    }

    private void OnHeaders(FrameHead head, ReadOnlySpan<byte> payload)
    {
        if (head.Stream == 0 || head.Stream >= _nextStream || (head.Stream & 1) == 0) throw Wrong("headers of a stream that we did not open");
        var fragment = head.WithoutPadding(payload);
        if (head.Has(FrameHead.HasPriority))
        {
            if (fragment.Length < 5) throw Wrong("headers that are too short");
            fragment = fragment[5..];
        }

        _block.ResetWrittenCount();
        (_blockStream, _blockFlags) = (head.Stream, head.Flags);
        OnBlock(head, fragment);
    }

    private void OnBlock(FrameHead head, ReadOnlySpan<byte> fragment)
    {
        if (_block.WrittenCount + fragment.Length > GatewayLimits.ResponseHeadersBytes || (fragment.IsEmpty && head.Type == FrameType.Continuation))
            throw new Http2FormatException(Http2Error.EnhanceYourCalm, $"more than {GatewayLimits.ResponseHeadersBytes} bytes of fields");
        _block.Write(fragment);
        if (!head.Has(FrameHead.EndHeaders)) return;
        int stream = _blockStream;
        _blockStream = 0;
        var fields = HpackDecoder.Decode(_block.WrittenSpan, GatewayLimits.ResponseHeadersBytes, GatewayLimits.ResponseHeaderCount);
        if (!_calls.TryGetValue(stream, out var call)) return;
        _vitals.Progress();
        call.OnHeaders(fields, (_blockFlags & FrameHead.EndStream) != 0);
    }

    private void OnReset(FrameHead head, ReadOnlySpan<byte> payload)
    {
        if (head.Stream == 0 || payload.Length != 4) throw Wrong("a reset that is none");
        if (!_calls.TryGetValue(head.Stream, out var call)) return;
        var error = (Http2Error)BinaryPrimitives.ReadUInt32BigEndian(payload);
        call.OnReset(error);
    }

    private void OnSettings(FrameHead head, ReadOnlySpan<byte> payload)
    {
        if (head.Stream != 0 || payload.Length % 6 != 0) throw Wrong("settings that are none");
        if (head.Has(FrameHead.Ack)) return;
        long before = _initialWindow;
        for (; !payload.IsEmpty; payload = payload[6..])
        {
            uint value = BinaryPrimitives.ReadUInt32BigEndian(payload[2..]);
            switch (BinaryPrimitives.ReadUInt16BigEndian(payload))
            {
                case 3:
                    _maximumStreams = (int)Math.Min(value, GatewayLimits.UpstreamStreams);
                    break;
                case 4:
                    if (value > int.MaxValue) throw new Http2FormatException(Http2Error.FlowControl, "a window that is too large");
                    _initialWindow = value;
                    break;
                case 5:
                    if (value is < MaximumPayloadBytes or > 0xffffff) throw Wrong("a frame size that is not possible");
                    MaximumFrameBytes = MaximumPayloadBytes;
                    break;
            }
        }

        // Once for the whole frame: one can name the same setting thousands of times.
        if (_initialWindow != before)
        {
            foreach (var call in _calls.Values) call.SendWindow.Change(_initialWindow - before);
        }

        Output.Add(FrameType.Settings, FrameHead.Ack, 0, []);
    }

    private void OnGoAway(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < 8) throw Wrong("a GOAWAY that is too short");
        _isClosing = true;
        int last = (int)(BinaryPrimitives.ReadUInt32BigEndian(payload) & int.MaxValue);
        foreach (var (stream, call) in _calls.ToArray())
        {
            if (stream > last) call.Fail(new IOException("the upstream is going away and has not looked at the request"), isUnsent: true);
        }

        if (_calls.Count == 0) Close();
    }

    private void OnWindowUpdate(FrameHead head, ReadOnlySpan<byte> payload)
    {
        if (payload.Length != 4) throw Wrong("a window that is none");
        int bytes = (int)(BinaryPrimitives.ReadUInt32BigEndian(payload) & int.MaxValue);
        if (bytes == 0) throw Wrong("a window of nothing");
        if (head.Stream == 0) SendWindow.Change(bytes);
        else if (_calls.TryGetValue(head.Stream, out var call)) call.SendWindow.Change(bytes);
    }

    private void AddWindowUpdate(int stream, int bytes)
    {
        Span<byte> increment = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(increment, bytes);
        Try(FrameType.WindowUpdate, stream, increment);
    }

    private void Ping()
    {
        Try(FrameType.Ping, 0, new byte[8]);
        Flush();
    }

    private void EndSilent()
    {
        _isSilent = true;
        Close();
    }

    private void SayGoAway(Http2Error error)
    {
        Span<byte> payload = stackalloc byte[8];
        BinaryPrimitives.WriteUInt32BigEndian(payload[4..], (uint)error);
        Try(FrameType.GoAway, 0, payload);
        Flush();
    }

    // Nobody waits for these; a connection that takes no more of them is at its end, which the reader finds out.
    private void Try(FrameType type, int stream, ReadOnlySpan<byte> payload)
    {
        if (_channel.IsClosed) return;
        try
        {
            Output.Add(type, 0, stream, payload);
        }
        catch (Http2FormatException)
        {
            Close();
        }
    }

    private void Flush() => _ = FlushAsync();

    private async Task FlushAsync()
    {
        try
        {
            await Output.FlushAsync();
        }
        catch (IOException)
        {
            Close();
        }
    }

    private static void WriteSetting(byte[] settings, int offset, ushort id, int value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(settings.AsSpan(offset), id);
        BinaryPrimitives.WriteInt32BigEndian(settings.AsSpan(offset + 2), value);
    }

    private static Http2FormatException Wrong(string detail) => new(Http2Error.Protocol, detail);
}
