// Tokens of the tests: good ones by Microsoft's library, bad ones by hand.

using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Bimetal.Gateway.Filters.Jwt;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Bimetal.Gateway.Tests.Support;

/// <summary>A key pair (or a secret) for one algorithm, as the library and as the filter want it.</summary>
internal sealed class JwtMaker
{
    public const string Secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    private static readonly RSA Rsa = RSA.Create(2048);

    private readonly SecurityKey _key;

    public JwtMaker(string algorithm, string kid = "")
    {
        Algorithm = JwtAlgorithm.Find(Encoding.ASCII.GetBytes(algorithm))!;
        byte[] id = Encoding.UTF8.GetBytes(kid);
        switch (Algorithm.Family)
        {
            case JwtFamily.Hmac:
                _key = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(Secret));
                Key = new JwtHmacKey(id, null, Encoding.UTF8.GetBytes(Secret));
                break;
            case JwtFamily.Ecdsa:
                var curve = Algorithm.CurveBits switch { 256 => ECCurve.NamedCurves.nistP256, 384 => ECCurve.NamedCurves.nistP384, _ => ECCurve.NamedCurves.nistP521 };
                Ec = ECDsa.Create(curve);
                _key = new ECDsaSecurityKey(Ec);
                Key = new JwtEcKey(id, null, Ec.ExportParameters(includePrivateParameters: false));
                break;
            default:
                _key = new RsaSecurityKey(Rsa);
                Key = new JwtRsaKey(id, null, Rsa.ExportParameters(includePrivateParameters: false));
                break;
        }

        if (kid.Length > 0) _key.KeyId = kid;
    }

    public JwtAlgorithm Algorithm { get; }

    public JwtKey Key { get; }

    public ECDsa? Ec { get; }

    public static string RsaPublicPem => Rsa.ExportSubjectPublicKeyInfoPem();

    /// <summary>Signed by the library.</summary>
    public string Make(string payload) => new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(payload, new SigningCredentials(_key, Algorithm.Name));

    /// <summary>What the library thinks of a token.</summary>
    public async Task<bool> IsValidAsync(string token, DateTimeOffset now, Action<TokenValidationParameters>? change = null)
    {
        var parameters = new TokenValidationParameters
        {
            IssuerSigningKey = _key, ValidAlgorithms = [Algorithm.Name], ValidateIssuer = false, ValidateAudience = false, TryAllIssuerSigningKeys = true,
            LifetimeValidator = (notBefore, expires, _, _) => expires is { } end && now.UtcDateTime < end.AddSeconds(30) && (notBefore is not { } begin || begin <= now.UtcDateTime.AddSeconds(30)),
        };
        change?.Invoke(parameters);
        return (await new JsonWebTokenHandler().ValidateTokenAsync(token, parameters)).IsValid;
    }

    /// <summary>Header and payload as they stand, signed with HS256 and the secret (or the bytes given).</summary>
    public static string Hs256(string header, string payload, byte[]? secret = null)
    {
        string signed = Part(Encoding.UTF8.GetBytes(header)) + "." + Part(Encoding.UTF8.GetBytes(payload));
        return signed + "." + Part(HMACSHA256.HashData(secret ?? Encoding.UTF8.GetBytes(Secret), Encoding.ASCII.GetBytes(signed)));
    }

    public static string Part(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToString(bytes);

    /// <summary>The public half as one entry of a key set.</summary>
    public string Jwk(string kid)
    {
        if (Ec is not null)
        {
            var point = Ec.ExportParameters(includePrivateParameters: false).Q;
            return $$"""{"kty":"EC","kid":{{JsonSerializer.Serialize(kid)}},"crv":"P-{{Algorithm.CurveBits}}","x":"{{Part(point.X)}}","y":"{{Part(point.Y)}}"}""";
        }

        var rsa = Rsa.ExportParameters(includePrivateParameters: false);
        return $$"""{"kty":"RSA","kid":{{JsonSerializer.Serialize(kid)}},"n":"{{Part(rsa.Modulus)}}","e":"{{Part(rsa.Exponent)}}"}""";
    }
}
