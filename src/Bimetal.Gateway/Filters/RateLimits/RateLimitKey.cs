// What a rate limit counts by: who or what a request is, as a few bytes.

using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters.RateLimits;

internal enum RateLimitKeyKind
{
    /// <summary>The client's address; of IPv6 its network, because a client has as many addresses as it likes.</summary>
    Client,

    /// <summary>Who an authenticating filter before this one found.</summary>
    Consumer,

    /// <summary>All requests together.</summary>
    Route,

    /// <summary>A request field.</summary>
    Header,

    /// <summary>A claim of the token that a jwt filter before this one verified.</summary>
    Claim,
}

/// <param name="Name">Field name in lower case, or name of the claim.</param>
/// <param name="V6PrefixBits">Leading bits of an IPv6 address that count, in whole bytes.</param>
internal sealed record RateLimitKey(RateLimitKeyKind Kind, string Name = "", int V6PrefixBits = 64)
{
    private readonly byte[] _name = Encoding.Latin1.GetBytes(Name);

    /// <summary>Writes the key; its length. Requests that lack what is counted by have the empty key, and so one bucket together.</summary>
    /// <param name="space">Of <see cref="BucketTable.MaximumKeyBytes"/>.</param>
    public int Write(HttpStream stream, Span<byte> space)
    {
        ReadOnlyMemory<byte> value = default;
        switch (Kind)
        {
            case RateLimitKeyKind.Client:
                return WriteAddress(stream, space);
            case RateLimitKeyKind.Consumer:
                value = stream.Identity?.Name ?? default;
                break;
            case RateLimitKeyKind.Header:
                stream.RequestHeaders.TryGet(_name, out value);
                break;
            case RateLimitKeyKind.Claim:
                stream.Identity?.TryGetClaim(Name, out value);
                break;
        }

        if (value.Length > space.Length) return SHA256.HashData(value.Span, space);
        value.Span.CopyTo(space);
        return value.Length;
    }

    private int WriteAddress(HttpStream stream, Span<byte> space)
    {
        if (stream.Source?.Address is not { } address || !address.TryWriteBytes(space, out int length)) return 0;
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? V6PrefixBits / 8 : length;
    }
}
