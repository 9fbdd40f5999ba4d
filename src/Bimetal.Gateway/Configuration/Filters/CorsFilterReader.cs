// The entry cors: of a route's filters.

using Bimetal.Gateway.Filters;
using Bimetal.Gateway.Pipeline;

namespace Bimetal.Gateway.Configuration;

/// <summary><c>cors:</c>, checked.</summary>
/// <param name="Origins">Empty: every origin.</param>
internal sealed record CorsFilterConfig(IReadOnlyList<OriginPattern> Origins) : FilterConfig
{
    public IReadOnlyList<string> Methods { get; init; } = ["GET", "HEAD", "POST"];

    /// <summary>Request fields that scripts may set; <c>*</c> alone: all but authorization.</summary>
    public IReadOnlyList<string> Headers { get; init; } = [];

    /// <summary>Response fields that scripts may read.</summary>
    public IReadOnlyList<string> Expose { get; init; } = [];

    public bool AllowsCredentials { get; init; }

    /// <summary>How long a browser may remember a preflight's answer; null: it decides.</summary>
    public TimeSpan? MaximumAge { get; init; }
}

internal static class CorsFilterReader
{
    private const string OriginRemedy = "write https://app.example, https://*.example.com or \"*\"";

    public static FilterConfig Read(ConfigMapping cors, FilterSurroundings surroundings)
    {
        var texts = cors.Texts("origins", OriginRemedy);
        if (!cors.Has("origins")) cors.Error("origins", "is required", OriginRemedy);
        bool isAny = texts.Contains("*");
        if (isAny && texts.Count > 1) cors.Error("origins", "'*' is every origin, so no others can stand beside it", "keep '*', or the others");
        var origins = new List<OriginPattern>();
        foreach (string text in texts.Where(text => text != "*"))
        {
            if (OriginPattern.TryParse(text) is { } origin) origins.Add(origin);
            else cors.Error("origins", $"'{text}' is not an origin", OriginRemedy);
        }

        var config = new CorsFilterConfig(isAny ? [] : origins)
        {
            Methods = cors.Has("methods") ? Tokens(cors, "methods") : ["GET", "HEAD", "POST"],
            Headers = Tokens(cors, "headers"),
            Expose = Tokens(cors, "expose"),
            AllowsCredentials = cors.Flag("credentials", absent: false),
            MaximumAge = cors.Duration("max_age", null),
        };
        if (config.AllowsCredentials && (isAny || config.Headers.Contains("*") || config.Expose.Contains("*")))
            cors.Error("credentials", "cannot stand beside '*': every site could act for a user who is logged in", "name the origins and the fields");
        return config;
    }

    private static List<string> Tokens(ConfigMapping cors, string key)
    {
        var tokens = new List<string>();
        foreach (string token in cors.Texts(key, "write a list of names"))
        {
            if (FieldRules.IsName(token)) tokens.Add(token);
            else cors.Error(key, $"'{token}' is not a name", "write a list of names");
        }

        return tokens;
    }
}
