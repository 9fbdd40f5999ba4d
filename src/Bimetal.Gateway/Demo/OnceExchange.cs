// One request of `demo --once`, with what the upstream answers if it is reached and what has to come of it.

using System.Text;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Gateway.Demo;

/// <param name="Request">The bytes that the client sends.</param>
/// <param name="IsHead">The answer has no body whatever it says.</param>
/// <param name="Response">The bytes that the upstream sends, piece by piece.</param>
/// <param name="EndsConnection">The upstream closes the connection after them: they promise more than there is.</param>
/// <param name="Expected">Null: only that both metals do the same.</param>
internal sealed record OnceExchange(
    int Number, string Plugin, string Name, string Kind, byte[] Request, bool IsHead, IReadOnlyList<ReadOnlyMemory<byte>> Response, bool EndsConnection, PluginCase? Expected)
{
    /// <summary>Tells the upstream which answer to give.</summary>
    public const string NumberField = "x-demo-number";

    /// <summary>What the clocks of the plugins show.</summary>
    public DateTimeOffset Clock { get; init; } = CaseReader.DefaultClock;

    /// <summary>The same case with other words for it.</summary>
    public static OnceExchange FromCase(int number, PluginCase one, string host, string plugin, string kind, bool isExpected)
    {
        var request = new StringBuilder();
        request.Append(Pseudo(one.Request, ":method")).Append(' ').Append(Pseudo(one.Request, ":path")).Append(" HTTP/1.1\r\nhost: ").Append(host).Append("\r\n");
        AppendFields(request, one.Request);
        request.Append(NumberField).Append(": ").Append(number).Append("\r\n\r\n");
        var response = new StringBuilder().Append("HTTP/1.1 ").Append(Pseudo(one.Response, ":status")).Append(" Demo\r\n");
        AppendFields(response, one.Response);
        bool isChunked = !HasField(one.Response, "content-length") && one.Response.Chunks.Count > 0;
        response.Append(isChunked ? "transfer-encoding: chunked\r\n\r\n" : "\r\n");
        bool isHead = Pseudo(one.Request, ":method") == "HEAD";
        return new OnceExchange(
            number, plugin, one.Name, kind, [.. Latin1(request), .. one.Request.Chunks.SelectMany(chunk => chunk.ToArray())], isHead,
            [Latin1(response), .. isHead ? [] : Framed(one.Response.Chunks, isChunked)], EndsConnection: !isChunked && !IsLengthHonest(one.Response, isHead),
            isExpected && IsSendable(one) ? one : null)
        {
            Clock = one.Clock,
        };
    }

    public static byte[] Latin1(StringBuilder text) => Encoding.Latin1.GetBytes(text.ToString());

    private static IEnumerable<ReadOnlyMemory<byte>> Framed(IReadOnlyList<ReadOnlyMemory<byte>> chunks, bool isChunked)
    {
        if (!isChunked) return chunks;
        return [.. chunks.Select(chunk => (ReadOnlyMemory<byte>)(byte[])[.. Encoding.ASCII.GetBytes($"{chunk.Length:x}\r\n"), .. chunk.Span, .. "\r\n"u8]), "0\r\n\r\n"u8.ToArray()];
    }

    // What HTTP itself refuses never reaches a plugin: then its expectation means nothing, but the metals still have to agree.
    private static bool IsSendable(PluginCase one)
    {
        bool hasControls = one.Request.Fields.Concat(one.Response.Fields).Any(field => field.Value.Span.ContainsAnyInRange((byte)0, (byte)31) || field.Value.Span.Contains((byte)127));
        return !hasControls && IsLengthHonest(one.Response, Pseudo(one.Request, ":method") == "HEAD");
    }

    private static bool IsLengthHonest(CaseMessage message, bool isHead)
    {
        if (isHead || Pseudo(message, ":status") is "204" or "304" || !HasField(message, "content-length")) return true;
        return Pseudo(message, "content-length") == message.Chunks.Sum(chunk => chunk.Length).ToString();
    }

    private static bool HasField(CaseMessage message, string name) => Pseudo(message, name).Length > 0;

    private static string Pseudo(CaseMessage message, string name)
    {
        foreach (var field in message.Fields)
        {
            if (Encoding.Latin1.GetString(field.Name.Span) == name) return Encoding.Latin1.GetString(field.Value.Span);
        }

        return "";
    }

    private static void AppendFields(StringBuilder text, CaseMessage message)
    {
        foreach (var (name, value) in message.Fields)
        {
            if (name.Span[0] != (byte)':') text.Append(Encoding.Latin1.GetString(name.Span)).Append(": ").Append(Encoding.Latin1.GetString(value.Span)).Append("\r\n");
        }
    }
}
