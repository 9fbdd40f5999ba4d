// A mapping that says where filters look for a credential.

using Bimetal.Gateway.Filters;
using Bimetal.Gateway.Pipeline;

namespace Bimetal.Gateway.Configuration;

internal static class CredentialPlaceReader
{
    private const string Remedy = "write { header: NAME }, { cookie: NAME } or { query: NAME }";

    /// <param name="key">Of <paramref name="owner"/>; it may be absent.</param>
    /// <param name="absentScheme">Scheme of the field <c>authorization</c> when none is written.</param>
    public static CredentialPlace Read(ConfigMapping owner, string key, CredentialPlace absent, string absentScheme = "")
    {
        if (owner.Mapping(key) is not { } from) return absent;
        string? header = from.Text("header")?.ToLowerInvariant(), cookie = from.Text("cookie"), query = from.Text("query");
        string scheme = from.Text("scheme") ?? (header == "authorization" ? absentScheme : "");
        from.Finish();
        string[] named = [.. new[] { header, cookie, query }.OfType<string>()];
        if (named.Length != 1) owner.Error(key, "names one place exactly", Remedy);
        else if (!FieldRules.IsName(named[0])) owner.Error(key, $"'{named[0]}' is not a name of a header, a cookie or a parameter", Remedy);
        else if (header is null && scheme.Length > 0) owner.Error(key, "a scheme is for headers only", "remove it");
        else return new CredentialPlace(header is not null ? CredentialKind.Header : cookie is not null ? CredentialKind.Cookie : CredentialKind.Query, named[0], scheme);
        return absent;
    }
}
