// The answers of built-in filters: the same JSON as the gateway's own errors, without an id, because nothing in the log says more.

using System.Text;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters;

internal static class FilterAnswer
{
    /// <summary>An answer that can be given to any number of requests.</summary>
    /// <param name="code">Such as <c>rate-limited</c>; a word, it is not escaped.</param>
    public static LocalResponse Of(int status, string code, params ReadOnlySpan<(string Name, string Value)> fields)
    {
        var headers = new HeaderMap();
        headers.Add(FieldText.NameBytes("content-type"), "application/json"u8.ToArray());
        foreach (var (name, value) in fields) headers.Add(FieldText.NameBytes(name), FieldText.ValueBytes(value));
        return new LocalResponse(status, headers, Encoding.ASCII.GetBytes($"{{\"status\":{status},\"error\":\"{code}\"}}\n"));
    }
}

/// <summary>The stream of a filter that has answered when it began.</summary>
internal sealed class AnsweringStream : FilterStream
{
    public AnsweringStream(LocalResponse answer) => Answer = answer;
}
