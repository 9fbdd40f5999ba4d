// What came of a case on one metal, compared with what was expected and, byte for byte, with the other metal.

using System.Text;
using Bimetal.Plugins.Failure;

namespace Bimetal.Plugins.Bundles.Cases;

/// <summary>How an exchange ended.</summary>
public enum CaseEnd
{
    /// <summary>It went through to the upstream and back.</summary>
    Passed,

    /// <summary>The plugin answered itself.</summary>
    Answered,

    /// <summary>The plugin broke the exchange off.</summary>
    Reset,

    /// <summary>The plugin held something back and never let it go.</summary>
    Held,

    /// <summary>The plugin failed.</summary>
    Failed,
}

/// <summary>The messages as they left the plugin. Immutable.</summary>
public sealed record CaseOutcome
{
    public required CaseEnd End { get; init; }

    public PluginFailure? Failure { get; init; }

    /// <summary>What the upstream got: fields as "name: value" in order, then the body. Null when nothing reached it.</summary>
    public CaseTrace? Request { get; init; }

    /// <summary>What the client got.</summary>
    public CaseTrace? Response { get; init; }

    /// <summary>Whether both metals did exactly the same: the end, every field in order, every byte.</summary>
    public bool SameAs(CaseOutcome other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return End == other.End && Failure?.Kind == other.Failure?.Kind && CaseTrace.AreSame(Request, other.Request) && CaseTrace.AreSame(Response, other.Response);
    }

    /// <summary>What differs from the expectation, one sentence; null when nothing does.</summary>
    public string? Mismatch(PluginCase expected)
    {
        ArgumentNullException.ThrowIfNull(expected);
        var expectation = expected.Expectation;
        var wanted = expectation.Answer is null ? CaseEnd.Passed : CaseEnd.Answered;
        if (End != wanted) return $"expected {Word(wanted)}, was {Word(End)}{(Failure is null ? "" : ": " + Failure.Detail)}";
        string status = Response?.Values(":status").FirstOrDefault() ?? "none";
        if (expectation.Answer is { } answer && status != answer.ToString()) return $"expected status {answer}, got {status}";
        return FieldMismatch("request", expectation.Request, Request) ?? FieldMismatch("response", expectation.Response, Response) ?? BodyMismatch(expected);
    }

    private static string Word(CaseEnd end) => end.ToString().ToLowerInvariant();

    private static string? FieldMismatch(string message, IReadOnlyList<(string Name, string? Value)> expected, CaseTrace? trace)
    {
        foreach (var group in expected.GroupBy(field => field.Name))
        {
            string[] wanted = [.. group.Select(field => field.Value).OfType<string>()];
            string[] seen = trace?.Values(group.Key) ?? [];
            if (!wanted.SequenceEqual(seen)) return $"{message} field {group.Key}: expected [{string.Join(", ", wanted)}], got [{string.Join(", ", seen)}]";
        }

        return null;
    }

    private string? BodyMismatch(PluginCase expected)
    {
        byte[]? wanted = expected.Expectation.Body is { } text ? Encoding.UTF8.GetBytes(text) : null;
        if (wanted is null && End == CaseEnd.Passed) wanted = [.. expected.Response.Chunks.SelectMany(chunk => chunk.ToArray())];
        byte[] seen = Response?.Body ?? [];
        return wanted is null || wanted.AsSpan().SequenceEqual(seen) ? null : $"the body differs: expected {wanted.Length} bytes, got {seen.Length} bytes";
    }
}

/// <summary>One message as it left the plugin.</summary>
public sealed record CaseTrace(IReadOnlyList<string> Fields, byte[] Body)
{
    public static bool AreSame(CaseTrace? left, CaseTrace? right) =>
        left is null || right is null ? left is null && right is null : left.Fields.SequenceEqual(right.Fields) && left.Body.AsSpan().SequenceEqual(right.Body);

    /// <summary>The values of a field, in order.</summary>
    public string[] Values(string name) =>
        [.. Fields.Where(field => field.StartsWith(name + ": ", StringComparison.OrdinalIgnoreCase)).Select(field => field[(name.Length + 2)..])];
}
