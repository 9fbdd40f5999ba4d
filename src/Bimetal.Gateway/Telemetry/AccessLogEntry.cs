// One line of the access log, before it is text.

using System.Buffers;
using System.Net;
using System.Text.Json;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Telemetry.Tracing;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Telemetry;

/// <summary>What is logged of one exchange.</summary>
internal readonly struct AccessLogEntry
{
    public required DateTimeOffset Time { get; init; }

    public required TimeSpan Duration { get; init; }

    public required IPEndPoint? Client { get; init; }

    public required string Method { get; init; }

    /// <summary>As the client sent it.</summary>
    public required string Target { get; init; }

    public required string Host { get; init; }

    /// <summary>What the client got, or 499.</summary>
    public required int Status { get; init; }

    public required string? Route { get; init; }

    public required string? Upstream { get; init; }

    public required string? Endpoint { get; init; }

    /// <summary>How often the request was sent again.</summary>
    public int Retries { get; init; }

    public required long RequestBytes { get; init; }

    public required long ResponseBytes { get; init; }

    /// <summary>Name of the filter that answered, or empty.</summary>
    public required string AnsweredBy { get; init; }

    public required GatewayError? Error { get; init; }

    public required string ErrorId { get; init; }

    /// <summary>The fields that reached the upstream; null before there was a route. Read while the exchange is there.</summary>
    public required HeaderMap? RequestFields { get; init; }

    /// <summary>From the request's traceparent, whoever began the trace; null without one.</summary>
    public string? TraceId => RequestFields is { } fields && TraceContext.TryRead(fields, out var trace) ? trace.TraceId.ToHexString() : null;

    /// <summary>Writes the line, its end included.</summary>
    public void WriteJson(IBufferWriter<byte> output, Utf8JsonWriter writer)
    {
        writer.Reset(output);
        writer.WriteStartObject();
        writer.WriteString("time"u8, Time.UtcDateTime);
        writer.WriteString("client"u8, Client?.ToString());
        writer.WriteString("method"u8, Method);
        writer.WriteString("host"u8, Host);
        writer.WriteString("target"u8, Target);
        writer.WriteNumber("status"u8, Status);
        writer.WriteNumber("durationUs"u8, (long)Duration.TotalMicroseconds);
        writer.WriteNumber("requestBytes"u8, RequestBytes);
        writer.WriteNumber("responseBytes"u8, ResponseBytes);
        if (Route is not null) writer.WriteString("route"u8, Route);
        if (Upstream is not null) writer.WriteString("upstream"u8, Upstream);
        if (Endpoint is not null) writer.WriteString("endpoint"u8, Endpoint);
        if (Retries > 0) writer.WriteNumber("retries"u8, Retries);
        if (AnsweredBy.Length > 0) writer.WriteString("answeredBy"u8, AnsweredBy);
        if (TraceId is { } traceId) writer.WriteString("traceId"u8, traceId);
        if (Error is not null)
        {
            writer.WriteString("error"u8, Error.Code);
            writer.WriteString("errorId"u8, ErrorId);
            writer.WriteString("phase"u8, Error.Phase.ToString());
            writer.WriteString("detail"u8, Error.Detail);
        }

        writer.WriteEndObject();
        writer.Flush();
        output.Write("\n"u8);
    }
}
