// Names of pseudo-headers as HeaderMap keeps them.

namespace Bimetal.Gateway.Pipeline;

/// <summary>Names of pseudo-headers as bytes that are never copied.</summary>
internal static class PseudoNames
{
    public static readonly byte[] Method = ":method"u8.ToArray();
    public static readonly byte[] Path = ":path"u8.ToArray();
    public static readonly byte[] Authority = ":authority"u8.ToArray();
    public static readonly byte[] Scheme = ":scheme"u8.ToArray();
    public static readonly byte[] Status = ":status"u8.ToArray();
}
