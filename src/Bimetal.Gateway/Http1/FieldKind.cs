// The fields that have a meaning for one connection or for the framing of a message; everything else is passed on as it stands.

namespace Bimetal.Gateway.Http1;

internal enum FieldKind : byte
{
    /// <summary>Passed on.</summary>
    Ordinary,

    /// <summary>Belongs to the connection (RFC 9110, section 7.6.1), or was named in Connection.</summary>
    HopByHop,

    Connection,
    ContentLength,
    Expect,
    Host,
    Te,
    TransferEncoding,
    Upgrade,
}

internal static class FieldKinds
{
    /// <param name="name">In lower case.</param>
    public static FieldKind Of(ReadOnlySpan<byte> name) => name.Length switch
    {
        2 => name.SequenceEqual("te"u8) ? FieldKind.Te : FieldKind.Ordinary,
        4 => name.SequenceEqual("host"u8) ? FieldKind.Host : FieldKind.Ordinary,
        6 => name.SequenceEqual("expect"u8) ? FieldKind.Expect : FieldKind.Ordinary,
        7 => name.SequenceEqual("upgrade"u8) ? FieldKind.Upgrade : name.SequenceEqual("trailer"u8) ? FieldKind.HopByHop : FieldKind.Ordinary,
        10 => name.SequenceEqual("connection"u8) ? FieldKind.Connection : name.SequenceEqual("keep-alive"u8) ? FieldKind.HopByHop : FieldKind.Ordinary,
        14 => name.SequenceEqual("content-length"u8) ? FieldKind.ContentLength : FieldKind.Ordinary,
        16 => name.SequenceEqual("proxy-connection"u8) ? FieldKind.HopByHop : FieldKind.Ordinary,
        17 => name.SequenceEqual("transfer-encoding"u8) ? FieldKind.TransferEncoding : FieldKind.Ordinary,
        18 => name.SequenceEqual("proxy-authenticate"u8) ? FieldKind.HopByHop : FieldKind.Ordinary,
        19 => name.SequenceEqual("proxy-authorization"u8) ? FieldKind.HopByHop : FieldKind.Ordinary,
        _ => FieldKind.Ordinary,
    };
}
