// How a line of the access log looks: a JSON object, or a template with variables as nginx has them.

using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Bimetal.Gateway.Telemetry;

/// <summary>Writes one entry as one line. Used by one thread at a time.</summary>
internal abstract class AccessLogFormat : IDisposable
{
    public abstract void Write(in AccessLogEntry entry, ArrayBufferWriter<byte> output);

    public virtual void Dispose() => GC.SuppressFinalize(this);
}

internal sealed class JsonAccessLogFormat : AccessLogFormat
{
    private readonly Utf8JsonWriter _writer = new(Stream.Null, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public override void Write(in AccessLogEntry entry, ArrayBufferWriter<byte> output) => entry.WriteJson(output, _writer);

    public override void Dispose()
    {
        _writer.Dispose();
        base.Dispose();
    }
}
