// W3C Trace Context: the fields traceparent and tracestate, read strictly and written.
//
//   traceparent = 00-<trace id, 32 hex>-<parent id, 16 hex>-<flags, 2 hex>      lower case; ids are not all zero; version ff is none

using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;
using System.Text;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Telemetry.Tracing;

/// <summary>A place in a trace, as it came or as it goes on.</summary>
internal readonly record struct TraceContext(ActivityTraceId TraceId, ActivitySpanId ParentId, bool IsSampled)
{
    private const int LengthBytes = 55;
    private const int TraceIdAt = 3;
    private const int ParentIdAt = 36;
    private const int FlagsAt = 53;

    private static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdef"u8);
    private static readonly byte[] ParentName = "traceparent"u8.ToArray();
    private static readonly byte[] StateName = "tracestate"u8.ToArray();

    /// <summary>False without a traceparent, with several, or with one that is not valid.</summary>
    public static bool TryRead(HeaderMap fields, out TraceContext context)
    {
        context = default;
        ReadOnlyMemory<byte> value = default;
        int count = 0;
        for (int index = 0; index < fields.Count; index++)
        {
            if (!HeaderField.NameEquals(fields[index].Name.Span, ParentName)) continue;
            value = fields[index].Value;
            count++;
        }

        return count == 1 && TryParse(value.Span, out context);
    }

    public static bool TryParse(ReadOnlySpan<byte> text, out TraceContext context)
    {
        context = default;
        if (text.Length < LengthBytes || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
        if (!IsHex(text[..2]) || !IsHex(text.Slice(TraceIdAt, 32)) || !IsHex(text.Slice(ParentIdAt, 16)) || !IsHex(text.Slice(FlagsAt, 2))) return false;

        // Later versions may add parts behind; the ones we know stay where they are.
        bool isVersionZero = text[..2].SequenceEqual("00"u8);
        if (text[..2].SequenceEqual("ff"u8) || (isVersionZero ? text.Length != LengthBytes : text.Length > LengthBytes && text[LengthBytes] != '-')) return false;
        if (!text.Slice(TraceIdAt, 32).ContainsAnyExcept((byte)'0') || !text.Slice(ParentIdAt, 16).ContainsAnyExcept((byte)'0')) return false;
        _ = Utf8Parser.TryParse(text.Slice(FlagsAt, 2), out byte flags, out _, 'x');
        context = new TraceContext(
            ActivityTraceId.CreateFromUtf8String(text.Slice(TraceIdAt, 32)), ActivitySpanId.CreateFromUtf8String(text.Slice(ParentIdAt, 16)), (flags & 1) != 0);
        return true;
    }

    /// <summary>Makes it what the upstream gets. The tracestate of a client stays only when the trace is that client's.</summary>
    public void Write(HeaderMap fields, bool keepState)
    {
        fields.Set(ParentName, Encoding.ASCII.GetBytes($"00-{TraceId.ToHexString()}-{ParentId.ToHexString()}-{(IsSampled ? "01" : "00")}"));
        if (!keepState) fields.Remove(StateName);
    }

    /// <summary>The tracestate as one text; null without one.</summary>
    public static string? State(HeaderMap fields) => fields.TryGet(StateName, out var value) ? Encoding.Latin1.GetString(value.Span) : null;

    private static bool IsHex(ReadOnlySpan<byte> text) => !text.ContainsAnyExcept(HexDigits);
}
