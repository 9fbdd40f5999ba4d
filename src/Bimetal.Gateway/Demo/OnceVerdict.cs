// Compares what both metals made of one request, and with what was expected of it.

using System.Text;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Gateway.Demo;

internal static class OnceVerdict
{
    // The date is the clock's. Framing follows how the bytes happened to arrive: a body that was there as a whole has a length, one that
    // came in pieces is chunked. The bodies themselves are compared.
    private static readonly string[] Incomparable = ["date", "transfer-encoding", "content-length", "connection"];

    /// <summary>One sentence, or null when all is well.</summary>
    public static string? Of(OnceExchange exchange, OnceOutcome native, OnceOutcome wasm)
    {
        if (native.HasSmuggled || wasm.HasSmuggled) return "a request was smuggled past the plugin";
        return Difference("answer", native.Answer, wasm.Answer) ?? Difference("forwarded request", native.Forwarded, wasm.Forwarded) ?? Unexpected(exchange, native);
    }

    private static string? Difference(string what, OnceMessage? native, OnceMessage? wasm)
    {
        if (native is null || wasm is null) return native is null && wasm is null ? null : $"{what}: {(native is null ? "native" : "wasm")} gave none";

        // What a broken connection still delivered is a matter of time; that it broke is not.
        if (!native.IsWhole || !wasm.IsWhole) return native.IsWhole == wasm.IsWhole ? null : $"{what}: the connection broke on {(native.IsWhole ? "wasm" : "native")} only";
        if (native.StartLine != wasm.StartLine) return $"{what}: native '{native.StartLine}', wasm '{wasm.StartLine}'";
        string[] nativeFields = Comparable(native), wasmFields = Comparable(wasm);
        if (!nativeFields.SequenceEqual(wasmFields)) return $"{what}: fields differ: native [{string.Join("; ", nativeFields.Except(wasmFields))}], wasm [{string.Join("; ", wasmFields.Except(nativeFields))}]";
        return native.Body.AsSpan().SequenceEqual(wasm.Body) ? null : $"{what}: the bodies differ ({native.Body.Length} and {wasm.Body.Length} bytes)";
    }

    private static string[] Comparable(OnceMessage message) =>
        [.. message.Fields.Where(field => !Incomparable.Contains(field.Name)).Select(field => $"{field.Name}: {field.Value}").Order(StringComparer.Ordinal)];

    private static string? Unexpected(OnceExchange exchange, OnceOutcome outcome)
    {
        if (outcome.Answer is { } answer && answer.StartLine.StartsWith("HTTP/1.1 500", StringComparison.Ordinal)) return "a plugin failed (500)";
        if (outcome.Answer is { IsWhole: false, StartLine: "no answer in time" }) return "no answer in time";
        if (exchange.Expected is not { } expected) return null;
        if (outcome.Answer is not { IsWhole: true } whole) return "no whole answer";
        string status = (expected.Expectation.Answer ?? StatusOf(expected.Response)).ToString();
        if (whole.StartLine.Split(' ')[1] != status) return $"expected status {status}, got '{whole.StartLine}'";
        return FieldMismatch("answer", expected.Expectation.Response, whole)
            ?? (expected.Expectation.Answer is null ? FieldMismatch("forwarded request", expected.Expectation.Request, outcome.Forwarded) : null)
            ?? BodyMismatch(exchange, expected, whole);
    }

    private static int StatusOf(CaseMessage message) =>
        int.Parse(Encoding.ASCII.GetString(message.Fields.First(field => field.Name.Span.SequenceEqual(":status"u8)).Value.Span));

    private static string? FieldMismatch(string what, IReadOnlyList<(string Name, string? Value)> expected, OnceMessage? message)
    {
        foreach (var group in expected.Where(field => field.Name[0] != ':').GroupBy(field => field.Name))
        {
            string[] wanted = [.. group.Select(field => field.Value).OfType<string>()];
            string[] seen = message?.Values(group.Key) ?? [];
            if (!wanted.SequenceEqual(seen)) return $"{what}: {group.Key}: expected [{string.Join(", ", wanted)}], got [{string.Join(", ", seen)}]";
        }

        return null;
    }

    private static string? BodyMismatch(OnceExchange exchange, PluginCase expected, OnceMessage answer)
    {
        byte[]? wanted = expected.Expectation.Body is { } text ? Encoding.UTF8.GetBytes(text) : null;
        if (wanted is null && expected.Expectation.Answer is null && !exchange.IsHead) wanted = [.. expected.Response.Chunks.SelectMany(chunk => chunk.ToArray())];
        return wanted is null || wanted.AsSpan().SequenceEqual(answer.Body) ? null : $"the body is not the expected one ({wanted.Length} and {answer.Body.Length} bytes)";
    }
}
