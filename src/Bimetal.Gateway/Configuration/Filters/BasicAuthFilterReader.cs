// The entry basic_auth: of a route's filters.

using System.Text;
using Bimetal.Gateway.Filters;
using Bimetal.Gateway.Pipeline;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

/// <summary><c>basic_auth:</c>, checked.</summary>
internal sealed record BasicAuthFilterConfig(IReadOnlyDictionary<string, ShaCrypt> Users, string Realm) : FilterConfig
{
    /// <summary>The request field that tells the upstream who it is; empty: none.</summary>
    public ReadOnlyMemory<byte> UserHeader { get; init; }

    /// <summary>Whether the upstream gets the password.</summary>
    public bool ForwardCredentials { get; init; }

    /// <summary>How long a password that was right needs not be checked again.</summary>
    public TimeSpan Remember { get; init; } = TimeSpan.FromMinutes(1);
}

internal static class BasicAuthFilterReader
{
    /// <summary>Most users of one filter.</summary>
    public const int MaximumUsers = 100_000;

    private const int MaximumFileBytes = 16 << 20;
    private const string HashRemedy = "write what `openssl passwd -6` prints ($6$…; $5$… is taken as well)";

    public static FilterConfig Read(ConfigMapping auth, FilterSurroundings surroundings)
    {
        var users = new Dictionary<string, ShaCrypt>(StringComparer.Ordinal);
        if (auth.Mapping("users") is { } list)
        {
            foreach (var (name, node) in list.Entries)
            {
                if (Add(users, name, (node as YamlScalarNode)?.Value ?? "") is { } problem) surroundings.Report.Error(node.Start.Line, list.KeyPath(name), problem, HashRemedy);
            }
        }

        if (auth.FileBytes("users_file", MaximumFileBytes) is { } bytes) ReadFile(auth, bytes, users);
        if (users.Count == 0 && !auth.Has("users") && !auth.Has("users_file")) auth.Error("users", "there are no users", "write users_file: PATH or users: { NAME: $6$… }");
        if (users.Count > MaximumUsers) auth.Error("users", $"there are more than {MaximumUsers} users");
        string realm = auth.Text("realm") ?? "gateway";
        if (!FieldRules.IsValue(realm) || realm.AsSpan().ContainsAny('"', '\\')) auth.Error("realm", "is not plain ASCII without quotes");
        return new BasicAuthFilterConfig(users, realm)
        {
            UserHeader = ApiKeyFilterReader.ReadField(auth, "user_header"),
            ForwardCredentials = auth.Flag("forward_credentials", absent: false),
            Remember = auth.Duration("remember", TimeSpan.FromMinutes(1)) ?? TimeSpan.Zero,
        };
    }

    // As htpasswd writes it: NAME:HASH per line; # begins a comment.
    private static void ReadFile(ConfigMapping auth, byte[] bytes, Dictionary<string, ShaCrypt> users)
    {
        int line = 0;
        foreach (string text in Encoding.UTF8.GetString(bytes).Split('\n'))
        {
            line++;
            string entry = text.Trim();
            if (entry.Length == 0 || entry[0] == '#') continue;
            int colon = entry.IndexOf(':', StringComparison.Ordinal);
            string? problem = colon > 0 ? Add(users, entry[..colon], entry[(colon + 1)..]) : "is not NAME:HASH";
            if (problem is null) continue;
            auth.Error("users_file", $"line {line} {problem}", HashRemedy);
            return;
        }
    }

    private static string? Add(Dictionary<string, ShaCrypt> users, string name, string hash)
    {
        if (name.Any(character => char.IsControl(character) || character == ':')) return "has a name with a colon or a control character";
        if (ShaCrypt.Parse(hash) is not { } password) return "has no password hash that is taken: MD5, SHA-1 and plain passwords are too weak, bcrypt is not in .NET";
        return users.TryAdd(name, password) ? null : $"has the user '{name}' twice";
    }
}
