// The claims of a token: the top level of its payload, as slices of the decoded JSON.

using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;

namespace Bimetal.Gateway.Filters.Jwt;

/// <summary>One member of the payload.</summary>
/// <param name="Json">As it stands in the payload; of a string the text between the quotes.</param>
internal readonly record struct Claim(string Name, JsonTokenType Kind, bool IsEscaped, ReadOnlyMemory<byte> Json);

/// <summary>Immutable. Keeps the payload.</summary>
internal sealed class ClaimSet
{
    /// <summary>Most members of a payload.</summary>
    public const int MaximumClaims = 128;

    private const int MaximumDepth = 16;

    // The last second of the year 9999; later ones are no dates.
    private const double LatestSeconds = 253402300799;

    private readonly List<Claim> _claims;

    private ClaimSet(List<Claim> claims) => _claims = claims;

    /// <summary>Reads a payload; null when it is not a JSON object, has too many members or one of them twice.</summary>
    public static ClaimSet? Parse(byte[] json)
    {
        var claims = new List<Claim>(8);
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaximumDepth });
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = reader.GetString()!;
                reader.Read();
                var kind = reader.TokenType;
                bool isEscaped = reader.ValueIsEscaped;
                int start = (int)reader.TokenStartIndex;
                if (kind is JsonTokenType.StartArray or JsonTokenType.StartObject) reader.Skip();
                int end = (int)reader.BytesConsumed;
                if (kind == JsonTokenType.String) (start, end) = (start + 1, end - 1);
                if (claims.Count == MaximumClaims || IndexOf(claims, name) >= 0) return null;
                claims.Add(new Claim(name, kind, isEscaped, json.AsMemory(start, end - start)));
            }

            // Reads to the end, so that bytes behind the object are an error.
            return reader.Read() ? null : new ClaimSet(claims);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null; // InvalidOperationException: a name that is not UTF-8
        }
    }

    public bool TryFind(string name, out Claim claim)
    {
        int index = IndexOf(_claims, name);
        claim = index < 0 ? default : _claims[index];
        return index >= 0;
    }

    /// <summary>A date in seconds; false when the claim is there and is none.</summary>
    public bool TryGetSeconds(string name, out double? seconds)
    {
        seconds = null;
        if (!TryFind(name, out var claim)) return true;
        if (claim.Kind != JsonTokenType.Number || !Utf8Parser.TryParse(claim.Json.Span, out double value, out int used) || used != claim.Json.Length) return false;
        seconds = value;
        return value is >= 0 and <= LatestSeconds;
    }

    /// <summary>The claim as text: strings, numbers, true and false, and lists of these with commas; null for anything else.</summary>
    public static ReadOnlyMemory<byte>? TextOf(in Claim claim) => claim.Kind switch
    {
        JsonTokenType.String => claim.IsEscaped ? Unescape(claim.Json) : claim.Json,
        JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False => claim.Json,
        JsonTokenType.StartArray => JoinList(claim.Json),
        _ => null,
    };

    /// <summary>Whether a claim is this text, or a list that has it, or (with <paramref name="isWordList"/>) words between spaces that have it.</summary>
    public static bool Has(in Claim claim, ReadOnlySpan<byte> wanted, bool isWordList = false)
    {
        if (claim.Kind == JsonTokenType.StartArray)
        {
            var reader = new Utf8JsonReader(claim.Json.Span);
            reader.Read();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                if (reader.TokenType == JsonTokenType.String && reader.ValueTextEquals(wanted)) return true;
                reader.Skip();
            }

            return false;
        }

        if (TextOf(claim) is not { } text) return false;
        if (text.Span.SequenceEqual(wanted)) return true;
        if (!isWordList || claim.Kind != JsonTokenType.String) return false;
        foreach (var word in text.Span.Split((byte)' '))
        {
            if (text.Span[word].SequenceEqual(wanted)) return true;
        }

        return false;
    }

    private static int IndexOf(List<Claim> claims, string name)
    {
        for (int index = 0; index < claims.Count; index++)
        {
            if (claims[index].Name == name) return index;
        }

        return -1;
    }

    private static byte[]? Unescape(ReadOnlyMemory<byte> text)
    {
        byte[] quoted = new byte[text.Length + 2];
        quoted[0] = quoted[^1] = (byte)'"';
        text.Span.CopyTo(quoted.AsSpan(1));
        var reader = new Utf8JsonReader(quoted);
        reader.Read();
        return CopyString(ref reader);
    }

    private static ReadOnlyMemory<byte>? JoinList(ReadOnlyMemory<byte> json)
    {
        var joined = new ArrayBufferWriter<byte>(json.Length);
        var reader = new Utf8JsonReader(json.Span);
        reader.Read();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (joined.WrittenCount > 0) joined.Write(","u8);
            if (reader.TokenType == JsonTokenType.String)
            {
                if (CopyString(ref reader) is not { } text) return null;
                joined.Write(text);
            }
            else if (reader.TokenType is JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False)
            {
                joined.Write(reader.ValueSpan);
            }
            else
            {
                return null;
            }
        }

        return joined.WrittenMemory;
    }

    private static byte[]? CopyString(ref Utf8JsonReader reader)
    {
        byte[] copy = new byte[reader.ValueSpan.Length];
        try
        {
            return copy[..reader.CopyString(copy)];
        }
        catch (InvalidOperationException)
        {
            return null; // half a surrogate pair, or not UTF-8
        }
    }
}
