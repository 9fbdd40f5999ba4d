// A target or URL with names in it, such as "/v2/{id}/{rest}", as rewrites and redirects write it.

using System.Text;

namespace Bimetal.Gateway.Routing;

/// <summary>Immutable. Names are those of a path pattern; a redirect knows <c>{host}</c> and <c>{path}</c> as well.</summary>
internal sealed class RouteTemplate
{
    private readonly List<(string Text, bool IsName)> _parts = [];

    private RouteTemplate(string text) => Text = text;

    public string Text { get; }

    public bool HasQuery => Text.Contains('?', StringComparison.Ordinal);

    /// <summary>The text before the first name.</summary>
    public string LiteralStart => _parts is [(var text, false), ..] ? text : "";

    public static bool TryParse(string text, IReadOnlyCollection<string> names, out RouteTemplate template, out string problem)
    {
        template = new RouteTemplate(text);
        problem = "";
        int start = 0;
        while (start < text.Length)
        {
            int open = text.IndexOf('{', start);
            if (open != start) template._parts.Add((text[start..(open < 0 ? text.Length : open)], false));
            if (open < 0) break;
            int close = text.IndexOf('}', open);
            string name = close < 0 ? text[open..] : text[(open + 1)..close];
            if (close < 0 || !names.Contains(name))
            {
                problem = $"there is no name '{name}'; known here: {(names.Count == 0 ? "none" : string.Join(", ", names))}";
                return false;
            }

            template._parts.Add((name, true));
            start = close + 1;
        }

        if (template._parts.Exists(part => !part.IsName && (part.Text.Contains('}', StringComparison.Ordinal) || part.Text.AsSpan().IndexOfAnyExceptInRange('!', '~') >= 0)))
            problem = "only visible ASCII characters and names in braces may stand there";
        return problem.Length == 0;
    }

    /// <summary>Fills in the names. Behind a question mark their values are escaped: they are one value, not further parameters.</summary>
    public string Expand(Func<string, string> value)
    {
        var text = new StringBuilder();
        bool isQuery = false;
        foreach (var (part, isName) in _parts)
        {
            isQuery |= !isName && part.Contains('?', StringComparison.Ordinal);
            if (isName && isQuery) AppendEscaped(text, value(part));
            else text.Append(isName ? value(part) : part);
        }

        return text.ToString();
    }

    private static void AppendEscaped(StringBuilder text, string value)
    {
        // What is escaped already stays as it is: "%2F" is a value's slash here as well.
        foreach (char character in value)
        {
            if (char.IsAsciiLetterOrDigit(character) || character is '-' or '.' or '_' or '~' or '%' or '/') text.Append(character);
            else text.Append('%').Append(((int)character).ToString("X2"));
        }
    }
}
