// Verifies a token in JWS compact form (RFC 7515, 7519): form, header, signature, then the claims that the configuration asks for. On .NET's
// cryptography; the tests hold every verdict against Microsoft.IdentityModel.JsonWebTokens. Nothing in a header is followed: jku, x5u and jwk are not read.

using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters.Jwt;

/// <summary>Why a token is not accepted; each is one description in the answer.</summary>
internal enum JwtFault
{
    None,
    Missing,
    Repeated,
    TooLarge,
    Malformed,
    Algorithm,
    UnknownKey,
    Signature,
    Expired,
    NotYetValid,
    Issuer,
    Audience,
    Claim,
    NoKeys,
}

/// <summary>A token that was verified, with what is made of its claims. Immutable.</summary>
/// <param name="ExpiresAtSeconds">Of <c>exp</c>, since 1970; infinite without.</param>
/// <param name="Fields">The claims that become request fields.</param>
internal sealed class VerifiedToken(ClaimSet claims, double expiresAtSeconds, HeaderField[] fields) : RequestIdentity
{
    public double ExpiresAtSeconds => expiresAtSeconds;

    public HeaderField[] Fields => fields;

    public override ReadOnlyMemory<byte> Name => TryGetClaim("sub", out var subject) ? subject : default;

    public override bool TryGetClaim(string claim, out ReadOnlyMemory<byte> value)
    {
        var text = claims.TryFind(claim, out var found) ? ClaimSet.TextOf(found) : null;
        value = text ?? default;
        return text is not null;
    }
}

/// <summary>Thread-safe.</summary>
internal sealed class JwtVerifier(JwtFilterConfig config)
{
    private const int StackBytes = 1024;

    private static readonly SearchValues<byte> Alphabet = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8);

    /// <summary>Verifies a token. <see cref="JwtFault.UnknownKey"/> alone can be mended by newer keys.</summary>
    public VerifiedToken? Verify(ReadOnlySpan<byte> token, JwtKeySet keys, DateTimeOffset now, out JwtFault fault)
    {
        fault = JwtFault.TooLarge;
        if (token.Length > config.MaximumTokenBytes) return null;
        fault = JwtFault.Malformed;
        int first = token.IndexOf((byte)'.'), last = token.LastIndexOf((byte)'.');
        if (first <= 0 || last == token.Length - 1 || last <= first + 1) return null;

        // Two dots exactly: a third is not in the alphabet. Five parts are an encrypted token.
        if (token[..first].ContainsAnyExcept(Alphabet) || token[(first + 1)..last].ContainsAnyExcept(Alphabet) || token[(last + 1)..].ContainsAnyExcept(Alphabet)) return null;
        Span<byte> headerSpace = stackalloc byte[StackBytes];
        Span<byte> idSpace = stackalloc byte[StackBytes];
        if (!TryDecode(token[..first], headerSpace, out var header) || !TryReadHeader(header, idSpace, out var algorithm, out var id)) return null;
        fault = JwtFault.Algorithm;
        if (algorithm is null || !config.Algorithms.Contains(algorithm)) return null;
        fault = JwtFault.UnknownKey;
        if (!keys.Knows(id, algorithm)) return null;
        fault = JwtFault.Signature;
        Span<byte> signatureSpace = stackalloc byte[StackBytes];
        if (!TryDecode(token[(last + 1)..], signatureSpace, out var signature) || !IsSigned(token[..last], signature, keys, id, algorithm)) return null;
        fault = JwtFault.Malformed;
        byte[] payload = new byte[Base64Url.GetMaxDecodedLength(last - first - 1)];
        if (!TryDecode(token[(first + 1)..last], payload, out var decoded) || decoded.Length != payload.Length || ClaimSet.Parse(payload) is not { } claims) return null;
        return Judge(claims, now, out fault);
    }

    private static bool IsSigned(ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature, JwtKeySet keys, ReadOnlySpan<byte> id, JwtAlgorithm algorithm)
    {
        foreach (var key in keys.Keys)
        {
            if (JwtKeySet.IsCandidate(key, id) && key.Fits(algorithm) && key.Verify(algorithm, signed, signature)) return true;
        }

        return false;
    }

    private VerifiedToken? Judge(ClaimSet claims, DateTimeOffset now, out JwtFault fault)
    {
        fault = JwtFault.Malformed;
        if (!claims.TryGetSeconds("exp", out double? expires) || !claims.TryGetSeconds("nbf", out double? notBefore)) return null;
        double seconds = now.ToUnixTimeMilliseconds() / 1000.0, skew = config.ClockSkew.TotalSeconds;
        fault = JwtFault.Expired;
        if ((expires is null && config.RequireExpiry) || seconds >= expires + skew) return null;
        fault = JwtFault.NotYetValid;
        if (notBefore > seconds + skew) return null;
        fault = JwtFault.Issuer;
        if (config.Issuers.Count > 0 && !HasOneOf(claims, "iss", config.Issuers)) return null;
        fault = JwtFault.Audience;
        if (config.Audiences.Count > 0 && !HasOneOf(claims, "aud", config.Audiences)) return null;
        fault = JwtFault.Claim;
        foreach (var (name, values) in config.Require)
        {
            if (!HasOneOf(claims, name, values, isWordList: name is "scope" or "scp")) return null;
        }

        fault = JwtFault.Malformed;
        if (FieldsOf(claims) is not { } fields) return null;
        fault = JwtFault.None;
        return new VerifiedToken(claims, expires ?? double.PositiveInfinity, fields);
    }

    // No values: the claim has to be there, whatever it says.
    private static bool HasOneOf(ClaimSet claims, string name, IReadOnlyList<byte[]> values, bool isWordList = false)
    {
        if (!claims.TryFind(name, out var claim)) return false;
        if (values.Count == 0) return claim.Kind != JsonTokenType.Null;
        foreach (byte[] value in values)
        {
            if (ClaimSet.Has(claim, value, isWordList)) return true;
        }

        return false;
    }

    // A claim with control characters would end a field early: such a token is refused rather than passed on half.
    private HeaderField[]? FieldsOf(ClaimSet claims)
    {
        if (config.ClaimsToHeaders.Count == 0) return [];
        var fields = new List<HeaderField>(config.ClaimsToHeaders.Count);
        foreach (var (name, header) in config.ClaimsToHeaders)
        {
            if (!claims.TryFind(name, out var claim) || ClaimSet.TextOf(claim) is not { } text) continue;
            if (!HeaderRules.IsValue(text.Span)) return null;
            fields.Add(new HeaderField(header, text));
        }

        return [.. fields];
    }

    private static bool TryReadHeader(ReadOnlySpan<byte> json, Span<byte> idSpace, out JwtAlgorithm? algorithm, out ReadOnlySpan<byte> id)
    {
        algorithm = null;
        id = default;
        bool hasAlgorithm = false, hasId = false;
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 8 });
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isAlgorithm = reader.ValueTextEquals("alg"u8), isId = reader.ValueTextEquals("kid"u8);

                // RFC 7515, section 4.1.11: extensions that must be understood, and none is.
                if (reader.ValueTextEquals("crit"u8)) return false;
                reader.Read();
                if ((isAlgorithm || isId) && reader.TokenType != JsonTokenType.String) return false;
                if ((isAlgorithm && hasAlgorithm) || (isId && hasId)) return false;
                hasAlgorithm |= isAlgorithm;
                hasId |= isId;
                if (isAlgorithm) algorithm = reader.ValueIsEscaped ? null : JwtAlgorithm.Find(reader.ValueSpan);
                if (isId)
                {
                    if (reader.ValueSpan.Length > idSpace.Length) return false;
                    id = idSpace[..reader.CopyString(idSpace)];
                }

                reader.Skip();
            }

            return !reader.Read() && hasAlgorithm;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private static bool TryDecode(ReadOnlySpan<byte> text, Span<byte> space, out ReadOnlySpan<byte> decoded)
    {
        int length = Base64Url.GetMaxDecodedLength(text.Length);
        if (length > space.Length) space = new byte[length];
        var status = Base64Url.DecodeFromUtf8(text, space, out int used, out int written);
        decoded = space[..written];
        return status == OperationStatus.Done && used == text.Length;
    }
}
