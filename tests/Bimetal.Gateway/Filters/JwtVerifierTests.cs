// The verifier against Microsoft.IdentityModel.JsonWebTokens as the oracle, and against what attackers try.

using System.Security.Cryptography;
using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Filters.Jwt;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests.Filters;

public sealed class JwtVerifierTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

    private const string Payload = """{"sub":"alice","exp":1800000100,"iss":"https://issuer","aud":["a","b"],"scope":"read write","n":7,"yes":true,"none":null,"object":{"a":[1,2]}}""";

    public static TheoryData<string> Algorithms => [.. JwtAlgorithm.All.Select(algorithm => algorithm.Name)];

    [Theory]
    [MemberData(nameof(Algorithms))]
    public async Task TokenOfTheLibrary_InEachAlgorithm_IsAccepted(string algorithm)
    {
        var maker = new JwtMaker(algorithm);
        string token = maker.Make(Payload);
        Assert.Equal(JwtFault.None, Judge(token, maker));
        Assert.True(await maker.IsValidAsync(token, Now));
        Assert.Equal(JwtFault.Signature, Judge(Flip(token, token.Length - 6), maker));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public async Task DamagedTokens_AreNeverAcceptedUnlessTheLibraryDoes(string algorithm)
    {
        var maker = new JwtMaker(algorithm);
        string token = maker.Make(Payload);
        var random = new Random(20 + maker.Algorithm.HashBytes);
        int accepted = 0;
        for (int round = 0; round < 300; round++)
        {
            string damaged = Damage(token, random);
            if (Judge(damaged, maker) != JwtFault.None) continue;
            accepted++;
            Assert.True(await maker.IsValidAsync(damaged, Now), damaged);
        }

        // Damage that is none (a part replaced by itself) is rare.
        Assert.True(accepted < 100, $"{accepted} damaged tokens passed");
    }

    [Theory]
    [InlineData("""{"exp":1800000100}""")]
    [InlineData("""{"exp":1799999969}""")]
    [InlineData("""{"exp":1799999971}""")]
    [InlineData("""{"exp":1800000100,"nbf":1800000029}""")]
    [InlineData("""{"exp":1800000100,"nbf":1800000031}""")]
    [InlineData("""{"sub":"no expiry"}""")]
    [InlineData("""{"exp":1800000100,"iss":"https://issuer"}""")]
    [InlineData("""{"exp":1800000100,"iss":"https://issuer/"}""")]
    [InlineData("""{"exp":1800000100,"iss":"https://issuer","aud":"api"}""")]
    [InlineData("""{"exp":1800000100,"iss":"https://issuer","aud":["x","api"]}""")]
    [InlineData("""{"exp":1800000100,"iss":"https://issuer","aud":["x"]}""")]
    [InlineData("""{"exp":1800000100,"iss":"https://issuer","aud":[]}""")]
    [InlineData("""{"exp":1800000100,"iss":"https:\/\/issuer","aud":"\u0061pi"}""")]
    public async Task Claims_AreJudgedAsByTheLibrary(string payload)
    {
        var maker = new JwtMaker("HS256");
        string token = JwtMaker.Hs256("""{"alg":"HS256"}""", payload);
        bool isGood = await maker.IsValidAsync(token, Now);
        Assert.Equal(isGood, Judge(token, maker) == JwtFault.None);
        isGood = await maker.IsValidAsync(token, Now, parameters =>
        {
            parameters.ValidateIssuer = parameters.ValidateAudience = true;
            parameters.ValidIssuer = "https://issuer";
            parameters.ValidAudience = "api";
        });
        Assert.Equal(isGood, Judge(token, maker, config => config with { Issuers = ["https://issuer"u8.ToArray()], Audiences = ["api"u8.ToArray()] }) == JwtFault.None);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("nOnE")]
    [InlineData("")]
    [InlineData("hs256")]
    [InlineData("HS256 ")]
    [InlineData("HS256\\u0000")]
    public void AlgorithmThatIsNone_IsRefused(string algorithm)
    {
        string header = $$"""{"alg":"{{algorithm}}"}""";
        Assert.Equal(JwtFault.Algorithm, Judge(JwtMaker.Hs256(header, Payload), new JwtMaker("HS256")));
        string unsigned = JwtMaker.Part(Encoding.UTF8.GetBytes(header)) + "." + JwtMaker.Part(Encoding.UTF8.GetBytes(Payload)) + ".";
        Assert.Equal(JwtFault.Malformed, Judge(unsigned, new JwtMaker("HS256")));
    }

    [Fact]
    public void PublicKey_UsedAsSecret_IsRefused_EvenWhenTheAlgorithmIsAllowed()
    {
        var maker = new JwtMaker("RS256");
        byte[][] secrets = [Encoding.ASCII.GetBytes(JwtMaker.RsaPublicPem), Encoding.ASCII.GetBytes(JwtMaker.RsaPublicPem.TrimEnd()), RSAPublic()];
        foreach (byte[] secret in secrets)
        {
            string token = JwtMaker.Hs256("""{"alg":"HS256"}""", Payload, secret);
            Assert.Equal(JwtFault.Algorithm, Judge(token, maker));

            // A configuration cannot say this; if it could, the kind of the key would still stand in the way.
            Assert.Equal(JwtFault.UnknownKey, Judge(token, maker, config => config with { Algorithms = JwtAlgorithm.All }));
        }

        static byte[] RSAPublic()
        {
            using var rsa = RSA.Create();
            rsa.ImportFromPem(JwtMaker.RsaPublicPem);
            return rsa.ExportSubjectPublicKeyInfo();
        }
    }

    [Fact]
    public void KeyOfAnotherCurveOrFamily_IsNotUsed()
    {
        var p256 = new JwtMaker("ES256");
        Assert.Equal(JwtFault.UnknownKey, Judge(new JwtMaker("ES384").Make(Payload), p256, config => config with { Algorithms = JwtAlgorithm.All }));
        Assert.Equal(JwtFault.UnknownKey, Judge(new JwtMaker("PS256").Make(Payload), p256, config => config with { Algorithms = JwtAlgorithm.All }));

        // Signed for one padding, sent as the other.
        string[] parts = new JwtMaker("PS256").Make(Payload).Split('.');
        string other = JwtMaker.Part("""{"alg":"RS256","typ":"JWT"}"""u8) + "." + parts[1] + "." + parts[2];
        Assert.Equal(JwtFault.Signature, Judge(other, new JwtMaker("RS256")));
    }

    [Fact]
    public void SignatureOfZeros_OfNothing_AndInDer_AreRefused()
    {
        var maker = new JwtMaker("ES256");
        string signed = maker.Make(Payload);
        signed = signed[..signed.LastIndexOf('.')];
        Assert.Equal(JwtFault.Signature, Judge(signed + "." + JwtMaker.Part(new byte[64]), maker));
        Assert.Equal(JwtFault.Signature, Judge(signed + "." + JwtMaker.Part(new byte[63]), maker));
        byte[] der = maker.Ec!.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        Assert.Equal(JwtFault.Signature, Judge(signed + "." + JwtMaker.Part(der), maker));
        Assert.Equal(JwtFault.Malformed, Judge(signed + ".", maker));
    }

    [Theory]
    [InlineData("""{"alg":"HS256","kid":"../../../../dev/null"}""", "UnknownKey")]
    [InlineData("""{"alg":"HS256","kid":"' OR 1=1 --"}""", "UnknownKey")]
    [InlineData("""{"alg":"HS256","kid":""}""", "None")]
    [InlineData("""{"alg":"HS256","kid":"k1"}""", "None")]
    [InlineData("""{"alg":"HS256","kid":"\u006b1"}""", "None")]
    [InlineData("""{"alg":"HS256","kid":"K1"}""", "UnknownKey")]
    [InlineData("""{"alg":"HS256","kid":null}""", "Malformed")]
    [InlineData("""{"alg":"HS256","kid":["k1"]}""", "Malformed")]
    [InlineData("""{"alg":"HS256","kid":"k1","kid":"k1"}""", "Malformed")]
    [InlineData("""{"alg":"none","alg":"HS256"}""", "Malformed")]
    [InlineData("""{"alg":"HS256","crit":["exp"],"exp":1}""", "Malformed")]
    [InlineData("""{"alg":"HS256","crit":[]}""", "Malformed")]
    [InlineData("""{"alg":["HS256"]}""", "Malformed")]
    [InlineData("""{"typ":"JWT"}""", "Malformed")]
    [InlineData("""{"alg":"HS256"}{}""", "Malformed")]
    [InlineData("""["HS256"]""", "Malformed")]
    [InlineData("""{"alg":"HS256","kid":"\ud800"}""", "Malformed")]
    [InlineData("""{"alg":"HS256",""", "Malformed")]
    public void Headers_ThatWantToConfuse(string header, string expected)
    {
        var maker = new JwtMaker("HS256", "k1");
        Assert.Equal(expected, Judge(JwtMaker.Hs256(header, Payload), maker).ToString());
    }

    [Fact]
    public void KeysInTheToken_AreNotUsed()
    {
        var attacker = new JwtMaker("ES256");
        foreach (string member in (string[])[$"\"jwk\":{attacker.Jwk("x")}", "\"jku\":\"http://127.0.0.1:9/keys\"", "\"x5u\":\"http://127.0.0.1:9/c\"", "\"x5c\":[\"MII\"]"])
        {
            string signed = JwtMaker.Part(Encoding.UTF8.GetBytes($$"""{"alg":"ES256",{{member}}}""")) + "." + JwtMaker.Part(Encoding.UTF8.GetBytes(Payload));
            byte[] signature = attacker.Ec!.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256);
            Assert.Equal(JwtFault.Signature, Judge(signed + "." + JwtMaker.Part(signature), new JwtMaker("ES256")));
        }
    }

    [Theory]
    [InlineData("""{"exp":"1800000100"}""")]
    [InlineData("""{"exp":-1}""")]
    [InlineData("""{"exp":1e400}""")]
    [InlineData("""{"exp":99999999999999999999}""")]
    [InlineData("""{"exp":1800000100,"nbf":"x"}""")]
    [InlineData("""{"exp":1800000100,"exp":1800000200}""")]
    [InlineData("""{"exp":1800000100} """ + "x")]
    [InlineData("""[1]""")]
    [InlineData("\"text\"")]
    [InlineData("")]
    [InlineData("""{"exp":1800000100,"sub":"a\r\nx-admin: 1"}""")]
    [InlineData("{\"exp\":1800000100,\"sub\":\"a\u007fb\"}")]
    public void Payloads_ThatAreNone_AreRefused(string payload)
    {
        string token = JwtMaker.Hs256("""{"alg":"HS256"}""", payload);
        Assert.NotEqual(JwtFault.None, Judge(token, new JwtMaker("HS256"), config => config with { ClaimsToHeaders = [new("sub", "x-user"u8.ToArray())] }));
    }

    [Fact]
    public void HugeAndDeepTokens_AreRefusedCheaply()
    {
        var maker = new JwtMaker("HS256");
        Assert.Equal(JwtFault.TooLarge, Judge(new string('a', 9 << 10), maker));
        Assert.Equal(JwtFault.TooLarge, Judge(JwtMaker.Hs256("""{"alg":"HS256"}""", $$"""{"exp":1800000100,"x":"{{new string('x', 9000)}}"}"""), maker));
        Assert.Equal(JwtFault.Malformed, Judge(JwtMaker.Hs256("""{"alg":"HS256"}""", "{\"exp\":1800000100,\"x\":" + new string('[', 2000) + new string(']', 2000) + "}"), maker));
        string many = string.Concat(Enumerable.Range(0, 200).Select(number => $",\"c{number}\":1"));
        Assert.Equal(JwtFault.Malformed, Judge(JwtMaker.Hs256("""{"alg":"HS256"}""", "{\"exp\":1800000100" + many + "}"), maker));
        Assert.Equal(JwtFault.Malformed, Judge(string.Concat(Enumerable.Repeat("a.", 1000)), maker));
        Assert.Equal(JwtFault.Malformed, Judge("...", maker));
        Assert.Equal(JwtFault.Malformed, Judge("", maker));
        string token = maker.Make(Payload);
        foreach (string odd in (string[])[token + ".", "." + token, token + ".a.b", token.Replace('.', ' '), token + "=", " " + token, token[..20] + "\0" + token[20..]])
            Assert.NotEqual(JwtFault.None, Judge(odd, maker));
    }

    [Theory]
    [InlineData("scope", "read", true)]
    [InlineData("scope", "rea", false)]
    [InlineData("aud", "b", true)]
    [InlineData("n", "7", true)]
    [InlineData("yes", "true", true)]
    [InlineData("sub", "bob", false)]
    [InlineData("missing", "*", false)]
    [InlineData("none", "*", false)]
    [InlineData("object", "*", true)]
    public void RequiredClaims_NeedOneOfTheirValues(string claim, string value, bool isGood)
    {
        var maker = new JwtMaker("HS256");
        IReadOnlyList<byte[]> values = value == "*" ? [] : [Encoding.UTF8.GetBytes(value), "other"u8.ToArray()];
        Assert.Equal(isGood ? JwtFault.None : JwtFault.Claim, Judge(maker.Make(Payload), maker, config => config with { Require = [new(claim, values)] }));
    }

    [Fact]
    public void KeySets_LeaveOutWhatIsOfNoUse_AndRefuseWhatIsNone()
    {
        var good = new JwtMaker("ES256");
        string usable = good.Jwk("good");
        string useless = """{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"OKP","crv":"Ed25519","x":"AA"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},{"kty":"oct"},{},7,{"kty":"RSA"}""";
        string[] notForUs = [usable.Replace("{", "{\"use\":\"enc\","), usable.Replace("{", "{\"key_ops\":[\"encrypt\"],"), usable.Replace("{", "{\"alg\":\"RSA-OAEP\",")];
        var set = JwtKeySet.Parse(Encoding.UTF8.GetBytes($$"""{"keys":[{{useless}},{{string.Join(',', notForUs)}},{{usable}}]}"""), out _);
        Assert.Single(set!.Keys);
        foreach (string bad in (string[])["", "[]", "{}", """{"keys":7}""", """{"keys":[]}""", $$"""{"keys":[{{useless}}]}""", "{\"keys\":" + new string('[', 100)])
        {
            Assert.Null(JwtKeySet.Parse(Encoding.UTF8.GetBytes(bad), out string problem));
            Assert.NotEmpty(problem);
        }

        string many = $$"""{"keys":[{{string.Join(',', Enumerable.Repeat(usable, JwtKeySet.MaximumKeys + 1))}}]}""";
        Assert.Null(JwtKeySet.Parse(Encoding.UTF8.GetBytes(many), out _));
    }

    private static JwtFault Judge(string token, JwtMaker maker, Func<JwtFilterConfig, JwtFilterConfig>? change = null)
    {
        var config = new JwtFilterConfig { Algorithms = [maker.Algorithm] };
        new JwtVerifier(change?.Invoke(config) ?? config).Verify(Encoding.UTF8.GetBytes(token), new JwtKeySet([maker.Key]), Now, out var fault);
        return fault;
    }

    private static string Flip(string token, int index) => token[..index] + (token[index] == 'A' ? 'B' : 'A') + token[(index + 1)..];

    private static string Damage(string token, Random random)
    {
        int index = random.Next(token.Length);
        string[] parts = token.Split('.');
        return random.Next(7) switch
        {
            0 => Flip(token, index),
            1 => token.Remove(index, 1),
            2 => token.Insert(index, ((char)random.Next(33, 127)).ToString()),
            3 => token[..index],
            4 => string.Join('.', parts.OrderBy(_ => random.Next())),
            5 => token[..index] + (char)random.Next(1, 255) + token[(index + 1)..],
            _ => string.Join('.', parts[0], parts[1], parts[2][..random.Next(parts[2].Length)]),
        };
    }
}
