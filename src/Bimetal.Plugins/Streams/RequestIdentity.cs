// Who sends a request: what the filters that authenticate leave on the exchange for those behind them.

namespace Bimetal.Plugins.Streams;

/// <summary>Immutable; may be shared by all exchanges with one credential.</summary>
public abstract class RequestIdentity
{
    /// <summary>The consumer, the user or the token's subject; may be empty.</summary>
    public abstract ReadOnlyMemory<byte> Name { get; }

    /// <summary>What the credential says under a name, as text; names are compared exactly.</summary>
    public abstract bool TryGetClaim(string claim, out ReadOnlyMemory<byte> value);
}

/// <summary>An identity that has a name and says nothing else.</summary>
public sealed class NamedIdentity(ReadOnlyMemory<byte> name) : RequestIdentity
{
    public override ReadOnlyMemory<byte> Name => name;

    public override bool TryGetClaim(string claim, out ReadOnlyMemory<byte> value)
    {
        value = default;
        return false;
    }
}
