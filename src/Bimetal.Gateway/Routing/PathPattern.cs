// The path part of a route's match, parsed: literal segments, {name} for exactly one segment, {rest...} for all that follows.

namespace Bimetal.Gateway.Routing;

internal enum PathSegmentKind
{
    Literal,
    Parameter,
    Rest,
}

/// <param name="Text">A literal in normal form, or the parameter's name.</param>
internal readonly record struct PathSegment(PathSegmentKind Kind, string Text);

/// <summary>A parsed pattern. <c>/api/{rest...}</c> matches <c>/api</c>, <c>/api/</c> and everything below.</summary>
internal sealed record PathPattern(string Text, IReadOnlyList<PathSegment> Segments)
{
    private const string RestSuffix = "...";

    /// <summary>The pattern without its parameters' names: equal shapes match the same paths.</summary>
    public string Shape => "/" + string.Join('/', Segments.Select(segment => segment.Kind switch
    {
        PathSegmentKind.Literal => segment.Text,
        PathSegmentKind.Parameter => "{}",
        _ => "{...}",
    }));

    /// <summary>Names of the parameters.</summary>
    public IReadOnlyCollection<string> Names { get; } = [.. Segments.Where(segment => segment.Kind != PathSegmentKind.Literal).Select(segment => segment.Text)];

    /// <summary>The part of a path that a parameter stands for; without the slash before it, and empty when there is none.</summary>
    /// <param name="path">Matches the pattern.</param>
    public string Capture(string path, string name)
    {
        int start = 1;
        foreach (var segment in Segments)
        {
            if (start > path.Length) return "";
            int slash = path.IndexOf('/', start);
            int end = slash < 0 ? path.Length : slash;
            if (segment.Kind == PathSegmentKind.Rest) return segment.Text == name ? path[start..] : "";
            if (segment.Kind == PathSegmentKind.Parameter && segment.Text == name) return path[start..end];
            start = end + 1;
        }

        return "";
    }

    /// <summary>Where in a path the last segment of the pattern begins, with the slash before it.</summary>
    public int RestStart(string path)
    {
        int start = 0;
        for (int segment = 0; segment < Segments.Count - 1 && start >= 0; segment++) start = start + 1 > path.Length ? -1 : path.IndexOf('/', start + 1);
        return start < 0 ? path.Length : start;
    }

    public static bool TryParse(string text, out PathPattern? pattern, out string problem)
    {
        pattern = null;
        problem = "";
        if (!text.StartsWith('/')) problem = "it does not begin with /";
        else if (text.AsSpan().ContainsAny('?', '#', '*')) problem = "it contains ?, # or *";
        if (problem.Length > 0) return false;
        string[] parts = text[1..].Split('/');
        var segments = new List<PathSegment>(parts.Length);
        for (int index = 0; index < parts.Length; index++)
        {
            if (!TryParseSegment(parts[index], isLast: index == parts.Length - 1, out var segment, out problem)) return false;
            if (segment.Kind != PathSegmentKind.Literal && segments.Exists(other => other.Kind != PathSegmentKind.Literal && other.Text == segment.Text))
            {
                problem = $"the name {segment.Text} stands there twice";
                return false;
            }

            segments.Add(segment);
        }

        pattern = new PathPattern(text, segments);
        return true;
    }

    private static bool TryParseSegment(string part, bool isLast, out PathSegment segment, out string problem)
    {
        segment = default;
        problem = "";
        if (!part.AsSpan().ContainsAny('{', '}'))
        {
            if (!RequestTarget.TryNormalize("/" + part, out string normal) || part is "." or ".." || normal.Length != part.Length + 1)
            {
                problem = $"the segment '{part}' is not in normal form";
                return false;
            }

            segment = new PathSegment(PathSegmentKind.Literal, normal[1..]);
            return true;
        }

        if (part is not ['{', .. var name, '}'])
        {
            problem = $"'{part}': a parameter is a whole segment";
            return false;
        }

        bool isRest = name.EndsWith(RestSuffix, StringComparison.Ordinal);
        if (isRest) name = name[..^RestSuffix.Length];
        if (name.Length == 0 || char.IsAsciiDigit(name[0]) || !name.All(character => char.IsAsciiLetterOrDigit(character) || character == '_'))
            problem = $"'{part}': a name is made of letters, digits and _";
        else if (isRest && !isLast)
            problem = $"'{part}' is not the last segment";
        segment = new PathSegment(isRest ? PathSegmentKind.Rest : PathSegmentKind.Parameter, name);
        return problem.Length == 0;
    }
}
