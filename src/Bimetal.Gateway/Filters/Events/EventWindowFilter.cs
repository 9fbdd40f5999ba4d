// The built-in filter event_window: turns a stream of events into a stream of figures, one row for each window, while it passes.

using System.Buffers;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters.Events;

internal sealed class EventWindowFilter(EventWindowFilterConfig config) : Filter
{
    /// <summary>What one chunk may become: rows can be longer than the events they stand for.</summary>
    private const int OutputBytes = 16 << 20;

    // What the upstream says of a body that does not get out.
    private static readonly string[] FieldsOfOldBody = ["etag", "last-modified", "accept-ranges", "content-digest", "repr-digest", "digest", "content-md5"];

    private static readonly GatewayError TooMuch = new(ErrorPhase.ResponseBody, ErrorSide.Upstream, ErrorCause.TooLarge, Retryable: false, $"event_window: more than {OutputBytes} bytes at once");

    public override string Name => "event_window";

    public override FilterStream? Begin(HttpStream stream, out GatewayError? error)
    {
        error = null;

        // A packed stream cannot be read, and a part of one has no windows.
        stream.RequestHeaders.SetCopy("accept-encoding"u8, "identity"u8);
        stream.RequestHeaders.Remove("range"u8);
        return new EventWindowStream(config, stream);
    }

    /// <summary>Null: the response is left alone.</summary>
    private static EventFormat? FormatOf(EventWindowFilterConfig config, HeaderMap response)
    {
        if (!response.TryGet(PseudoNames.Status, out var status) || !status.Span.SequenceEqual("200"u8)) return null;
        if (response.TryGet("content-encoding"u8, out var encoding) && !encoding.Span.SequenceEqual("identity"u8)) return null;
        if (config.Format != EventFormat.Auto) return config.Format;
        if (!response.TryGet("content-type"u8, out var field)) return null;
        string type = FieldText.Text(field).Split(';')[0].Trim().ToLowerInvariant();
        return type switch
        {
            "application/x-ndjson" or "application/ndjson" or "application/jsonl" => EventFormat.Ndjson,
            "text/event-stream" => EventFormat.Sse,
            _ => null,
        };
    }

    private sealed class EventWindowStream(EventWindowFilterConfig config, HttpStream stream) : FilterStream, IEventTaker
    {
        private readonly EventFigures _open = new();
        private readonly ArrayBufferWriter<byte> _output = new();
        private BodyBuffer? _body;
        private EventSplitter? _splitter;
        private bool _isSse;
        private long _bad;

        public override bool WantsResponseBody => _splitter is not null;

        public override BodyBuffer? ResponseBody => _body;

        public override FilterAction OnResponseHeaders(bool endOfStream)
        {
            var headers = stream.ResponseHeaders;
            if (FormatOf(config, headers) is not { } format) return FilterAction.Continue;
            foreach (string name in FieldsOfOldBody) headers.Remove(FieldText.NameBytes(name).Span);
            if (endOfStream)
            {
                // The answer to HEAD announces the body that this filter would replace.
                headers.Remove("content-length"u8);
                return FilterAction.Continue;
            }

            _isSse = format == EventFormat.Sse;
            _body = new BodyBuffer(OutputBytes);
            _splitter = new EventSplitter(_isSse, config.MaximumEventBytes, this);
            return FilterAction.Continue;
        }

        public override FilterAction OnResponseBody(bool endOfStream)
        {
            _splitter!.Take(_body!.Span);
            if (endOfStream) End();
            WriteOut();
            return FilterAction.Continue;
        }

        public override FilterAction OnResponseTrailers()
        {
            if (_splitter is null) return FilterAction.Continue;
            End();
            WriteOut();
            return FilterAction.Continue;
        }

        public void TakeEvent(ReadOnlySpan<byte> json)
        {
            if (!EventNumbers.TryRead(json, config, out var numbers))
            {
                _bad++;
                return;
            }

            if (config.Seconds > 0)
            {
                long number = (long)decimal.Truncate(numbers.Time / config.Seconds);
                if (_open.Count > 0 && number != _open.Number) WriteRow();
                if (_open.Count == 0) _open.Number = number;
            }

            _open.Add(numbers.Value);
            if (_open.Count == config.Events) WriteRow();
        }

        public void TakeOverlong() => _bad++;

        public void TakeComment() => _output.Write(":\n\n"u8);

        private void End()
        {
            _splitter!.End();
            if (_open.Count > 0 || _bad > 0) WriteRow();
        }

        private void WriteRow()
        {
            if (_isSse) _output.Write("event: window\ndata: "u8);
            _open.Close(_output, _bad);
            _bad = 0;
            _output.Write(_isSse ? "\n\n"u8 : "\n"u8);
        }

        private void WriteOut()
        {
            if (!_body!.TryReplace(0, _body.Length, _output.WrittenSpan)) Error = TooMuch;
            _output.ResetWrittenCount();
        }
    }
}
