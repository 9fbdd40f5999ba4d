// One lookup in a RouteTable: what is asked for, and what it found besides a route.

using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Routing;

/// <summary>Lives on the stack of one lookup.</summary>
internal ref struct RouteSearch(ReadOnlySpan<char> method, HeaderMap? headers, ReadOnlySpan<char> query)
{
    private readonly ReadOnlySpan<char> _query = query;
    private List<string>? _allowedMethods;
    private QueryValues? _values;

    public ReadOnlySpan<char> Method { get; } = method;

    public HeaderMap? Headers { get; } = headers;

    public QueryValues Query => _values ??= new QueryValues(_query.ToString());

    /// <summary>Nodes and routes that were looked at: what a lookup costs, without a clock.</summary>
    public int Steps { get; set; }

    /// <summary>Methods of routes that would have matched with another one.</summary>
    public readonly IReadOnlyList<string> AllowedMethods => _allowedMethods ?? (IReadOnlyList<string>)[];

    public void AddAllowed(IReadOnlyList<string> methods)
    {
        _allowedMethods ??= [];
        foreach (string allowed in methods)
        {
            if (!_allowedMethods.Contains(allowed)) _allowedMethods.Add(allowed);
        }
    }
}
