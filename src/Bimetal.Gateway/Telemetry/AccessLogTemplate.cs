// A template of access log lines: text with $name or ${name}. What a client sent is escaped, so that it can neither end a line nor a quoted part.

using System.Buffers;
using System.Globalization;
using System.Text;

namespace Bimetal.Gateway.Telemetry;

internal sealed class AccessLogTemplate : AccessLogFormat
{
    /// <summary>Longest template, and longest value of one variable in a line.</summary>
    public const int MaximumLength = 8192;

    private const string FieldPrefix = "http_";

    private static readonly Dictionary<string, Func<AccessLogEntry, string?>> Variables = new(StringComparer.Ordinal)
    {
        ["time"] = static entry => entry.Time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture),
        ["client"] = static entry => entry.Client?.Address.ToString(),
        ["client_port"] = static entry => Number(entry.Client?.Port),
        ["method"] = static entry => entry.Method,
        ["target"] = static entry => entry.Target,
        ["host"] = static entry => entry.Host,
        ["status"] = static entry => Number(entry.Status),
        ["duration_us"] = static entry => Number((long)entry.Duration.TotalMicroseconds),
        ["duration"] = static entry => entry.Duration.TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture),
        ["request_bytes"] = static entry => Number(entry.RequestBytes),
        ["response_bytes"] = static entry => Number(entry.ResponseBytes),
        ["route"] = static entry => entry.Route,
        ["upstream"] = static entry => entry.Upstream,
        ["endpoint"] = static entry => entry.Endpoint,
        ["answered_by"] = static entry => entry.AnsweredBy,
        ["error"] = static entry => entry.Error?.Code,
        ["error_id"] = static entry => entry.ErrorId,
        ["trace_id"] = static entry => entry.TraceId,
    };

    private readonly List<Func<AccessLogEntry, string?>> _parts;
    private readonly StringBuilder _line = new();

    private AccessLogTemplate(List<Func<AccessLogEntry, string?>> parts) => _parts = parts;

    /// <param name="problem">What is wrong with the text, when the result is null.</param>
    public static AccessLogTemplate? TryParse(string text, out string problem)
    {
        problem = "";
        var parts = new List<Func<AccessLogEntry, string?>>();
        int at = 0;
        while (at < text.Length && problem.Length == 0)
        {
            int dollar = text.IndexOf('$', at);
            string literal = dollar < 0 ? text[at..] : text[at..dollar];
            if (literal.Length > 0) parts.Add(_ => literal);
            if (dollar < 0) break;
            at = dollar + 1;
            string name = ReadName(text, ref at);
            if (Find(name) is { } variable) parts.Add(Escaped(variable));
            else problem = $"there is no variable '${name}'; there are ${string.Join(", $", Variables.Keys)} and $http_NAME for a field of the request";
        }

        if (text.Length > MaximumLength) problem = $"is longer than {MaximumLength} characters";
        return problem.Length == 0 ? new AccessLogTemplate(parts) : null;
    }

    public override void Write(in AccessLogEntry entry, ArrayBufferWriter<byte> output)
    {
        _line.Clear();
        foreach (var part in _parts) _line.Append(part(entry));
        _line.Append('\n');
        foreach (var chunk in _line.GetChunks()) Encoding.UTF8.GetBytes(chunk.Span, output);
    }

    private static string ReadName(string text, ref int at)
    {
        if (at < text.Length && text[at] == '{')
        {
            int end = text.IndexOf('}', at);
            string braced = end < 0 ? text[at..] : text[(at + 1)..end];
            at = end < 0 ? text.Length : end + 1;
            return braced;
        }

        int start = at;
        while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] == '_')) at++;
        return text[start..at];
    }

    private static Func<AccessLogEntry, string?>? Find(string name)
    {
        if (Variables.TryGetValue(name, out var variable)) return variable;
        if (!name.StartsWith(FieldPrefix, StringComparison.Ordinal) || name.Length == FieldPrefix.Length) return null;
        byte[] field = Encoding.Latin1.GetBytes(name[FieldPrefix.Length..].ToLowerInvariant().Replace('_', '-'));
        return entry => entry.RequestFields is { } fields && fields.TryGet(field, out var value) ? Encoding.Latin1.GetString(value.Span) : null;
    }

    private static string? Number(long? number) => number?.ToString(CultureInfo.InvariantCulture);

    private static Func<AccessLogEntry, string?> Escaped(Func<AccessLogEntry, string?> variable) => entry => variable(entry) is { Length: > 0 } value ? Escape(value) : "-";

    // As nginx does: \xXX for quotes, backslashes, controls and everything above ASCII.
    private static string Escape(string value)
    {
        if (value.Length <= MaximumLength && !value.AsSpan().ContainsAnyExceptInRange(' ', '~') && !value.AsSpan().ContainsAny('"', '\\')) return value;
        var escaped = new StringBuilder(value.Length + 16);
        foreach (char character in value.AsSpan(0, Math.Min(value.Length, MaximumLength)))
        {
            if (character is >= ' ' and <= '~' and not '"' and not '\\') escaped.Append(character);
            else escaped.Append(CultureInfo.InvariantCulture, $"\\x{(character > 0xff ? 0x3f : character):X2}");
        }

        return escaped.ToString();
    }
}
