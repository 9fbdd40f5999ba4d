// What a client is told about an error: a status, a code and an id to look up in the log. Never what happened inside.

using System.Buffers;
using System.Text.Json;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Pipeline;

internal static class ErrorAnswer
{
    public static LocalResponse Of(GatewayError error, string errorId)
    {
        int status = ErrorStatus.Of(error);
        var headers = new HeaderMap();
        headers.Add(FieldText.NameBytes("content-type"), "application/json"u8.ToArray());
        if (status is 503) headers.Add(FieldText.NameBytes("retry-after"), "1"u8.ToArray());
        return new LocalResponse(status, headers, Body(status, error.Code, errorId));
    }

    private static ReadOnlyMemory<byte> Body(int status, string code, string errorId)
    {
        var output = new ArrayBufferWriter<byte>(128);
        using var writer = new Utf8JsonWriter(output);
        writer.WriteStartObject();
        writer.WriteNumber("status", status);
        writer.WriteString("error", code);
        writer.WriteString("id", errorId);
        writer.WriteEndObject();
        writer.Flush();
        output.Write("\n"u8);
        return output.WrittenMemory;
    }
}
