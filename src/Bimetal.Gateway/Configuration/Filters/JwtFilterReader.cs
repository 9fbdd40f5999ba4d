// The entry jwt: of a route's filters. Key files are read here, so that `check` says what is wrong with them.

using System.Text;
using Bimetal.Gateway.Filters;
using Bimetal.Gateway.Filters.Jwt;
using Bimetal.Gateway.Pipeline;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

/// <summary><c>jwt:</c>, checked.</summary>
internal sealed record JwtFilterConfig : FilterConfig
{
    /// <summary>Allowed algorithms.</summary>
    public required IReadOnlyList<JwtAlgorithm> Algorithms { get; init; }

    /// <summary>Keys of the configuration itself.</summary>
    public IReadOnlyList<JwtKey> Keys { get; init; } = [];

    /// <summary>A key set that is read again and again; null: none.</summary>
    public JwksSource? Jwks { get; init; }

    /// <summary>Accepted values of <c>iss</c>; empty: any.</summary>
    public IReadOnlyList<byte[]> Issuers { get; init; } = [];

    /// <summary>Accepted values of <c>aud</c>; empty: any.</summary>
    public IReadOnlyList<byte[]> Audiences { get; init; } = [];

    /// <summary>Claims with the values of which they need one; no values: any but null.</summary>
    public IReadOnlyList<KeyValuePair<string, IReadOnlyList<byte[]>>> Require { get; init; } = [];

    /// <summary>Claims and the request fields that they are written to.</summary>
    public IReadOnlyList<KeyValuePair<string, ReadOnlyMemory<byte>>> ClaimsToHeaders { get; init; } = [];

    public CredentialPlace Place { get; init; } = new(CredentialKind.Header, "authorization", "Bearer");

    public TimeSpan ClockSkew { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether a token without <c>exp</c> is refused.</summary>
    public bool RequireExpiry { get; init; } = true;

    /// <summary>Whether requests without a token pass.</summary>
    public bool IsOptional { get; init; }

    /// <summary>Whether the upstream gets the token.</summary>
    public bool ForwardToken { get; init; } = true;

    public int MaximumTokenBytes { get; init; } = 8 << 10;

    /// <summary>Verified tokens that are remembered; 0: none.</summary>
    public int CacheEntries { get; init; } = 1024;
}

/// <summary>Where a key set comes from: exactly one of the two.</summary>
/// <param name="Refresh">Age at which it is read again.</param>
/// <param name="MinimumInterval">Least time between two reads because of a key that is not known.</param>
/// <param name="Timeout">Of one read.</param>
internal sealed record JwksSource(Uri? Url, string? File, TimeSpan Refresh, TimeSpan MinimumInterval, TimeSpan Timeout)
{
    public string Name => Url?.ToString() ?? File ?? "";
}

internal static class JwtFilterReader
{
    private const int MaximumKeyFileBytes = 64 << 10;
    private const string KeyRemedy = "write one of secret, secret_file, public_key_file, jwks_file and jwks_url";

    public static FilterConfig Read(ConfigMapping jwt, FilterSurroundings surroundings)
    {
        var algorithms = ReadAlgorithms(jwt);
        var keys = ReadKeys(jwt);
        var jwks = ReadJwks(jwt);
        if (keys.Count == 0 && jwks is null && !HasKeyKey(jwt)) jwt.Error("algorithms", "there is no key to verify with", KeyRemedy);
        foreach (var algorithm in algorithms.Where(algorithm => jwks is null && keys.Count > 0 && !keys.Exists(key => key.Fits(algorithm))))
            jwt.Error("algorithms", $"{algorithm} is allowed, but no key is for it", algorithm.Family == JwtFamily.Hmac ? $"it needs a secret of at least {algorithm.HashBytes} bytes" : "");
        var defaults = new JwtFilterConfig { Algorithms = algorithms };
        var place = CredentialPlaceReader.Read(jwt, "from", defaults.Place, "Bearer");
        var config = defaults with
        {
            Keys = keys,
            Jwks = jwks,
            Issuers = [.. jwt.Texts("issuer", "write issuer: https://issuer.example").Select(Encoding.UTF8.GetBytes)],
            Audiences = [.. jwt.Texts("audience", "write audience: my-api").Select(Encoding.UTF8.GetBytes)],
            Require = ReadRequired(jwt),
            ClaimsToHeaders = ReadClaims(jwt, surroundings.Report),
            Place = place,
            ClockSkew = jwt.Duration("clock_skew", defaults.ClockSkew) ?? TimeSpan.Zero,
            RequireExpiry = jwt.Flag("require_expiry", defaults.RequireExpiry),
            IsOptional = jwt.Flag("optional", absent: false),
            ForwardToken = jwt.Flag("forward_token", defaults.ForwardToken),
            MaximumTokenBytes = (int)jwt.Size("max_token", defaults.MaximumTokenBytes, 64, 48 << 10),
            CacheEntries = jwt.Count("cache", defaults.CacheEntries, 0, 1 << 20),
        };
        if (config.ClockSkew > TimeSpan.FromHours(1)) jwt.Error("clock_skew", "is longer than an hour", "clocks that are so wrong have to be set");
        if (!config.ForwardToken && place.Kind != CredentialKind.Header) jwt.Error("forward_token", "only a token in a header can be kept from the upstream", "remove the key, or write from: { header: NAME }");
        return config;
    }

    private static List<JwtAlgorithm> ReadAlgorithms(ConfigMapping jwt)
    {
        string[] known = [.. JwtAlgorithm.All.Select(algorithm => algorithm.Name)];
        if (!jwt.Has("algorithms")) jwt.Error("algorithms", "is required", "write the algorithms that tokens may be signed with, such as algorithms: [RS256]");
        var algorithms = new List<JwtAlgorithm>();
        foreach (string name in jwt.Texts("algorithms", "write algorithms: [RS256]"))
        {
            if (JwtAlgorithm.Find(Encoding.UTF8.GetBytes(name)) is { } algorithm) algorithms.Add(algorithm);
            else jwt.Error("algorithms", $"'{name}' is not an algorithm that can be allowed", NearestKey.Remedy(name, known));
        }

        // With both, what a public key says and what a secret says would be one configuration.
        if (algorithms.Exists(one => one.Family == JwtFamily.Hmac) && algorithms.Exists(one => one.Family != JwtFamily.Hmac))
            jwt.Error("algorithms", "HS algorithms cannot be mixed with those of public keys", "use two filters, or one kind");
        return algorithms;
    }

    private static bool HasKeyKey(ConfigMapping jwt) => jwt.Has("secret") || jwt.Has("secret_file") || jwt.Has("public_key_file");

    private static List<JwtKey> ReadKeys(ConfigMapping jwt)
    {
        var keys = new List<JwtKey>();
        byte[] id = Encoding.UTF8.GetBytes(jwt.Text("kid") ?? "");
        if (jwt.Text("secret") is { } secret) keys.Add(new JwtHmacKey(id, null, Encoding.UTF8.GetBytes(secret)));
        if (jwt.FileBytes("secret_file", MaximumKeyFileBytes) is { } bytes) keys.Add(new JwtHmacKey(id, null, bytes.AsSpan().TrimEnd("\r\n"u8).ToArray()));
        if (jwt.FileBytes("public_key_file", MaximumKeyFileBytes) is { } pem)
        {
            if (JwtKeySet.ParsePem(Encoding.Latin1.GetString(pem), id, out string problem) is { } key) keys.Add(key);
            else jwt.Error("public_key_file", "the file " + problem);
        }

        return keys;
    }

    private static JwksSource? ReadJwks(ConfigMapping jwt)
    {
        string? file = jwt.FilePath("jwks_file"), url = jwt.Text("jwks_url");
        Uri? address = null;
        if (url is not null && (!Uri.TryCreate(url, UriKind.Absolute, out address) || address.Scheme is not ("https" or "http") || address.UserInfo.Length > 0))
            jwt.Error("jwks_url", $"'{url}' is not a URL of a key set", "write https://HOST/PATH");
        else if (address is { Scheme: "http", IsLoopback: false })
            jwt.Warn("jwks_url", "keys that come over plain http can be replaced on the way", "write https://…");
        if (file is not null && url is not null) jwt.Error("jwks_url", "stands beside jwks_file", "keep one of them");
        if (file is not null && jwt.FileBytes("jwks_file", JwtKeySet.MaximumBytes) is { } json && JwtKeySet.Parse(json, out string problem) is null)
            jwt.Error("jwks_file", "the file " + problem);
        var source = new JwksSource(
            address, file, jwt.Duration("jwks_refresh", TimeSpan.FromMinutes(10)) ?? ConfigScalars.MaximumDuration,
            jwt.Duration("jwks_min_interval", TimeSpan.FromSeconds(10)) ?? TimeSpan.Zero, jwt.Duration("jwks_timeout", TimeSpan.FromSeconds(5)) ?? TimeSpan.FromMinutes(1));
        return file is null && url is null ? null : source;
    }

    private static List<KeyValuePair<string, IReadOnlyList<byte[]>>> ReadRequired(ConfigMapping jwt)
    {
        var required = new List<KeyValuePair<string, IReadOnlyList<byte[]>>>();
        if (jwt.Mapping("require") is not { } claims) return required;
        foreach (var (name, node) in claims.Entries)
        {
            var values = claims.Texts(name, "write CLAIM: VALUE, CLAIM: [VALUE, VALUE] or CLAIM: \"*\"");
            bool isAny = values is ["*"] && node is YamlScalarNode;
            required.Add(new(name, isAny ? [] : [.. values.Select(Encoding.UTF8.GetBytes)]));
        }

        return required;
    }

    private static List<KeyValuePair<string, ReadOnlyMemory<byte>>> ReadClaims(ConfigMapping jwt, ConfigReport report)
    {
        var fields = new List<KeyValuePair<string, ReadOnlyMemory<byte>>>();
        if (jwt.Mapping("claims_to_headers") is not { } claims) return fields;
        foreach (var (claim, node) in claims.Entries)
        {
            string name = (node as YamlScalarNode)?.Value ?? "";
            if (FieldRules.MayBeSet(name)) fields.Add(new(claim, FieldText.NameBytes(name)));
            else report.Error(node.Start.Line, claims.KeyPath(claim), $"'{name}' is not a field that can be set", FieldRules.SettableRemedy);
        }

        return fields;
    }
}
