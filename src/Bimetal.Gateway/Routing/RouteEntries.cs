// The routes that share host and path, in the order in which they are tried; many that differ by the value of one field or parameter are
// found by that value.

using System.Collections.Frozen;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Routing;

/// <summary>One route among those of its host and path.</summary>
/// <param name="Route">Index in the configuration.</param>
/// <param name="Methods">Empty: every method.</param>
internal sealed record RouteEntry(int Route, IReadOnlyList<string> Methods, IReadOnlyList<RouteCondition> Conditions)
{
    /// <summary>Place among its neighbours; the lowest that matches wins.</summary>
    public int Rank { get; init; }

    public static RouteEntry From(int route, RouteMatchConfig match) => new(
        route, match.Methods, [.. match.Headers.Select(header => new RouteCondition(header, isQuery: false)), .. match.Query.Select(query => new RouteCondition(query, isQuery: true))]);

    public bool MeetsConditions(ref RouteSearch search)
    {
        foreach (var condition in Conditions)
        {
            if (!condition.IsMet(ref search)) return false;
        }

        return true;
    }

    public bool Takes(ReadOnlySpan<char> method)
    {
        if (Methods.Count == 0) return true;
        foreach (string allowed in Methods)
        {
            if (method.SequenceEqual(allowed)) return true;
        }

        return false;
    }
}

/// <summary>Built by <see cref="Add"/>, then <see cref="Freeze"/>; only read after that.</summary>
internal sealed class RouteEntries
{
    /// <summary>From so many routes on an index pays.</summary>
    private const int IndexFrom = 8;

    private List<RouteEntry> _ordered = [];
    private RouteEntry[] _unindexed = [];
    private FrozenDictionary<string, RouteEntry[]>? _index;
    private (bool IsQuery, string Name) _indexKey;
    private byte[] _indexName = [];

    /// <summary>In the order in which they are tried.</summary>
    public IReadOnlyList<RouteEntry> Ordered => _ordered;

    public void Add(RouteEntry entry) => _ordered.Add(entry);

    /// <summary>Puts the entries in order and gives HEAD to those with GET, unless one of them names HEAD.</summary>
    public void Freeze()
    {
        bool isHeadListed = _ordered.Exists(entry => entry.Methods.Contains("HEAD"));
        var sorted = _ordered
            .OrderBy(entry => entry.Methods.Count == 0)
            .ThenByDescending(entry => entry.Conditions.Count(condition => !condition.Key.IsQuery))
            .ThenByDescending(entry => entry.Conditions.Count)
            .ThenByDescending(entry => entry.Conditions.Count(condition => condition.Kind == ConditionKind.Exact))
            .ThenByDescending(entry => entry.Conditions.Sum(condition => condition.Value.Length))
            .ThenBy(entry => entry.Methods.Count)
            .ThenBy(entry => entry.Route);
        _ordered = [.. sorted.Select((entry, rank) => entry with { Rank = rank, Methods = WithHead(entry.Methods, isHeadListed) })];
        _unindexed = [.. _ordered];
        if (_ordered.Count >= IndexFrom) BuildIndex();
    }

    /// <summary>Index of the route in the configuration, or -1.</summary>
    public int FirstMatch(ref RouteSearch search)
    {
        RouteEntry? best = null;
        if (_index is not null)
        {
            if (_indexKey.IsQuery)
            {
                foreach (string value in search.Query.Values(_indexKey.Name)) Look(value, ref search, ref best);
            }
            else if (search.Headers is { } headers)
            {
                for (int index = headers.IndexOf(_indexName); index >= 0 && index < headers.Count; index++)
                {
                    var field = headers[index];
                    if (HeaderField.NameEquals(field.Name.Span, _indexName)) Look(FieldText.Text(field.Value), ref search, ref best);
                }
            }
        }

        FirstOf(_unindexed, ref search, ref best);
        return best?.Route ?? -1;
    }

    private void Look(string value, ref RouteSearch search, ref RouteEntry? best)
    {
        if (_index!.TryGetValue(value, out var entries)) FirstOf(entries, ref search, ref best);
    }

    private static void FirstOf(RouteEntry[] entries, ref RouteSearch search, ref RouteEntry? best)
    {
        foreach (var entry in entries)
        {
            if (best is not null && best.Rank <= entry.Rank) return;
            search.Steps++;
            if (!entry.MeetsConditions(ref search)) continue;
            if (entry.Takes(search.Method))
            {
                best = entry;
                return;
            }

            search.AddAllowed(entry.Methods);
        }
    }

    private static IReadOnlyList<string> WithHead(IReadOnlyList<string> methods, bool isHeadListed) =>
        !isHeadListed && methods.Contains("GET") ? [.. methods, "HEAD"] : methods;

    private void BuildIndex()
    {
        var exact = _ordered.SelectMany(entry => entry.Conditions).Where(condition => condition.Kind == ConditionKind.Exact);
        if (exact.GroupBy(condition => condition.Key).MaxBy(group => group.Count()) is not { } most) return;
        _indexKey = most.Key;
        _indexName = System.Text.Encoding.Latin1.GetBytes(_indexKey.Name);
        _index = _ordered.Where(entry => IndexedValue(entry) is not null).GroupBy(entry => IndexedValue(entry)!).ToFrozenDictionary(group => group.Key, group => group.ToArray());
        _unindexed = [.. _ordered.Where(entry => IndexedValue(entry) is null)];
    }

    private string? IndexedValue(RouteEntry entry) =>
        entry.Conditions.FirstOrDefault(condition => condition.Key == _indexKey && condition.Kind == ConditionKind.Exact)?.Value;
}
