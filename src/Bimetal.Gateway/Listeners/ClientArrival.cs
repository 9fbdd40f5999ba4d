// Who came, and how: what is known of a client's connection before its first request.

using System.Net;

namespace Bimetal.Gateway.Listeners;

/// <param name="ConnectionId">Number of the connection, unique for its listener.</param>
/// <param name="Source">The client's end.</param>
/// <param name="Destination">Ours.</param>
/// <param name="Model">The settings that were in force when it came.</param>
internal sealed record ClientArrival(ulong ConnectionId, IPEndPoint? Source, IPEndPoint? Destination, ListenerModel Model)
{
    /// <summary>The client's address as text; empty without one.</summary>
    public byte[] SourceAddress { get; } = Source is null ? [] : System.Text.Encoding.Latin1.GetBytes(Source.Address.ToString());

    /// <summary>Null: the connection is not encrypted.</summary>
    public TlsFacts? Tls { get; init; }
}
