// The parameters of a query, decoded when the first route asks for one.

namespace Bimetal.Gateway.Routing;

/// <summary>Of one request. Names and values are percent-decoded UTF-8 in which <c>+</c> is a space, as forms write them.</summary>
internal sealed class QueryValues(string query)
{
    private Dictionary<string, List<string>>? _values;

    public IReadOnlyList<string> Values(string name) => (_values ??= Parse(query)).TryGetValue(name, out var values) ? values : [];

    private static Dictionary<string, List<string>> Parse(string query)
    {
        var all = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var range in query.AsSpan().Split('&'))
        {
            var pair = query.AsSpan(range);
            if (pair.IsEmpty) continue;
            int equals = pair.IndexOf('=');
            string name = Decode(equals < 0 ? pair : pair[..equals]);
            if (!all.TryGetValue(name, out var values)) all[name] = values = [];
            values.Add(equals < 0 ? "" : Decode(pair[(equals + 1)..]));
        }

        return all;
    }

    private static string Decode(ReadOnlySpan<char> text)
    {
        string plain = text.ToString().Replace('+', ' ');
        return plain.Contains('%') ? Uri.UnescapeDataString(plain) : plain;
    }
}
