// Tokens of the token-auth plugin, as its README describes them.

using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Bimetal.Gateway.Demo;

internal static class DemoToken
{
    /// <summary>The key of the demo's configuration; it guards nothing.</summary>
    public const string Key = "an example key, never a real one";

    public static string Make(string subject, DateTimeOffset expiry)
    {
        string payload = Base64Url.EncodeToString(Encoding.ASCII.GetBytes($"{expiry.ToUnixTimeSeconds()}:{subject}"));
        byte[] signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(Key), Encoding.ASCII.GetBytes(payload));
        return payload + "." + Base64Url.EncodeToString(signature);
    }
}
