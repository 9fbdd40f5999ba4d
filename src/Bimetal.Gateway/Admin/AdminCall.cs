// A request to the admin listener and what a page answers.

using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Bimetal.Gateway.Admin;

/// <param name="Body">At most <see cref="MaximumBodyBytes"/>.</param>
internal sealed record AdminCall(string Method, string Path, IHeaderDictionary Headers, ReadOnlyMemory<byte> Body)
{
    /// <summary>Largest body that a page is given.</summary>
    public const int MaximumBodyBytes = 4096;
}

/// <summary>A whole answer.</summary>
internal sealed record AdminAnswer(int Status, string ContentType, ReadOnlyMemory<byte> Body)
{
    /// <summary>The content security policy, for a page that a browser shows.</summary>
    public string? Policy { get; init; }

    public static AdminAnswer Json(int status, Action<Utf8JsonWriter> write)
    {
        var output = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        output.Write("\n"u8);
        return new AdminAnswer(status, "application/json", output.WrittenMemory);
    }

    public static AdminAnswer Error(int status, string error, string remedy) => Json(status, writer =>
    {
        writer.WriteString("error", error);
        writer.WriteString("remedy", remedy);
    });
}
