// One condition on a header field or a query parameter, and when one condition makes another one certain.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Routing;

/// <summary>Immutable. A name that occurs several times satisfies a condition if one of its values does.</summary>
internal sealed class RouteCondition(ValueCondition config, bool isQuery)
{
    private readonly byte[] _name = System.Text.Encoding.Latin1.GetBytes(config.Name);
    private readonly byte[] _value = System.Text.Encoding.Latin1.GetBytes(config.Value);

    public ConditionKind Kind => config.Kind;

    public string Value => config.Value;

    /// <summary>What it looks at: equal keys look at the same field or parameter.</summary>
    public (bool IsQuery, string Name) Key { get; } = (isQuery, config.Name);

    public bool IsMet(ref RouteSearch search)
    {
        bool found = isQuery ? IsFound(search.Query.Values(config.Name)) : search.Headers is { } headers && IsFound(headers);
        return found != (Kind == ConditionKind.Absent);
    }

    /// <summary>Whether every request that meets this condition meets the other one as well.</summary>
    public bool Implies(RouteCondition other) => Key == other.Key && other.Kind switch
    {
        ConditionKind.Exact => Kind == ConditionKind.Exact && Value == other.Value,
        ConditionKind.Prefix => Kind is ConditionKind.Exact or ConditionKind.Prefix && Value.StartsWith(other.Value, StringComparison.Ordinal),
        ConditionKind.Suffix => Kind is ConditionKind.Exact or ConditionKind.Suffix && Value.EndsWith(other.Value, StringComparison.Ordinal),
        ConditionKind.Present => Kind != ConditionKind.Absent,
        _ => Kind == ConditionKind.Absent,
    };

    private bool IsFound(HeaderMap headers)
    {
        for (int index = headers.IndexOf(_name); index >= 0 && index < headers.Count; index++)
        {
            var field = headers[index];
            if (field.Name.Length == _name.Length && HeaderField.NameEquals(field.Name.Span, _name) && IsValue(field.Value.Span)) return true;
        }

        return false;
    }

    private bool IsValue(ReadOnlySpan<byte> value) => Kind switch
    {
        ConditionKind.Exact => value.SequenceEqual(_value),
        ConditionKind.Prefix => value.StartsWith(_value),
        ConditionKind.Suffix => value.EndsWith(_value),
        _ => true,
    };

    private bool IsFound(IReadOnlyList<string> values)
    {
        foreach (string value in values)
        {
            bool isMet = Kind switch
            {
                ConditionKind.Exact => value == Value,
                ConditionKind.Prefix => value.StartsWith(Value, StringComparison.Ordinal),
                ConditionKind.Suffix => value.EndsWith(Value, StringComparison.Ordinal),
                _ => true,
            };
            if (isMet) return true;
        }

        return false;
    }
}
