// A reply of a Redis server, in the forms of RESP2.

using System.Text;

namespace Bimetal.Gateway.Redis;

internal enum RespKind
{
    /// <summary>A word such as OK.</summary>
    Simple,

    Error,
    Integer,

    /// <summary>Bytes; <see cref="RespValue.Bytes"/> is null for the absent value.</summary>
    Bulk,

    Array,
}

/// <summary>Immutable.</summary>
internal sealed record RespValue(RespKind Kind, long Integer = 0, byte[]? Bytes = null, IReadOnlyList<RespValue>? Items = null)
{
    public bool IsOk => Kind == RespKind.Simple && Bytes.AsSpan().SequenceEqual("OK"u8);

    /// <summary>Whether it is an error whose first word is this code.</summary>
    public bool IsError(ReadOnlySpan<byte> code) => Kind == RespKind.Error && Bytes.AsSpan().StartsWith(code);

    /// <summary>For a log line.</summary>
    public string Text => Kind == RespKind.Integer ? Integer.ToString() : Encoding.Latin1.GetString(Bytes ?? []);
}
