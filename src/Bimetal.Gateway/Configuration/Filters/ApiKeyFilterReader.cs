// The entry api_key: of a route's filters.

using System.Buffers;
using System.Text;
using Bimetal.Gateway.Filters;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

/// <summary><c>api_key:</c>, checked.</summary>
/// <param name="Consumers">By the SHA-256 of their key.</param>
internal sealed record ApiKeyFilterConfig(IReadOnlyDictionary<CredentialHash, NamedIdentity> Consumers) : FilterConfig
{
    public CredentialPlace Place { get; init; } = new(CredentialKind.Header, "x-api-key");

    /// <summary>The request field that tells the upstream who it is; empty: none.</summary>
    public ReadOnlyMemory<byte> ConsumerHeader { get; init; }

    /// <summary>Whether the upstream gets the key.</summary>
    public bool ForwardKey { get; init; }
}

internal static class ApiKeyFilterReader
{
    /// <summary>Most keys of one filter.</summary>
    public const int MaximumKeys = 100_000;

    private const int MaximumFileBytes = 16 << 20;
    private const string HashRemedy = "write sha256: and 64 hexadecimal digits, from: printf %s KEY | sha256sum";

    public static FilterConfig Read(ConfigMapping apiKey, FilterSurroundings surroundings)
    {
        var consumers = new Dictionary<CredentialHash, NamedIdentity>();
        if (apiKey.Mapping("keys") is { } keys)
        {
            foreach (var (name, node) in keys.Entries)
            {
                if (Add(consumers, name, (node as YamlScalarNode)?.Value ?? "") is { } problem) surroundings.Report.Error(node.Start.Line, keys.KeyPath(name), problem, HashRemedy);
            }
        }

        if (apiKey.FileBytes("keys_file", MaximumFileBytes) is { } bytes) ReadFile(apiKey, bytes, consumers);
        if (consumers.Count == 0 && !apiKey.Has("keys") && !apiKey.Has("keys_file")) apiKey.Error("keys", "there are no keys", "write keys: { CONSUMER: sha256:… } or keys_file: PATH");
        if (consumers.Count > MaximumKeys) apiKey.Error("keys", $"there are more than {MaximumKeys} keys");
        var place = CredentialPlaceReader.Read(apiKey, "from", new CredentialPlace(CredentialKind.Header, "x-api-key"), "Bearer");
        bool forwards = apiKey.Flag("forward_key", absent: place.Kind != CredentialKind.Header);
        if (!forwards && place.Kind != CredentialKind.Header) apiKey.Error("forward_key", "only a key in a header can be kept from the upstream", "remove the key, or write from: { header: NAME }");
        return new ApiKeyFilterConfig(consumers) { Place = place, ForwardKey = forwards, ConsumerHeader = ReadField(apiKey, "consumer_header") };
    }

    /// <summary>A key that names a request field which a filter writes; empty when absent.</summary>
    public static ReadOnlyMemory<byte> ReadField(ConfigMapping mapping, string key)
    {
        if (mapping.Text(key) is not { } name) return default;
        if (FieldRules.MayBeSet(name)) return FieldText.NameBytes(name);
        mapping.Error(key, $"'{name}' is not a field that can be set", FieldRules.SettableRemedy);
        return default;
    }

    // Lines of a name and a hash with a space between them; # begins a comment.
    private static void ReadFile(ConfigMapping apiKey, byte[] bytes, Dictionary<CredentialHash, NamedIdentity> consumers)
    {
        int line = 0;
        foreach (string text in Encoding.UTF8.GetString(bytes).Split('\n'))
        {
            line++;
            if (text.AsSpan().Trim() is { IsEmpty: true } or ['#', ..]) continue;
            string[] words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            string? problem = words.Length == 2 ? Add(consumers, words[0], words[1]) : "is not a name and a hash";
            if (problem is null) continue;
            apiKey.Error("keys_file", $"line {line} {problem}", HashRemedy);
            return;
        }
    }

    private static string? Add(Dictionary<CredentialHash, NamedIdentity> consumers, string name, string text)
    {
        const string Prefix = "sha256:";
        if (!FieldRules.IsValue(name)) return "has a name that is not visible ASCII";
        Span<byte> hash = stackalloc byte[32];
        if (!text.StartsWith(Prefix, StringComparison.Ordinal) || Convert.FromHexString(text.AsSpan(Prefix.Length), hash, out _, out int length) != OperationStatus.Done || length != hash.Length)
            return "is not the hash of a key: keys themselves do not stand in configurations";
        return consumers.TryAdd(CredentialHash.From(hash), new NamedIdentity(FieldText.ValueBytes(name))) ? null : "has a key that stands there twice";
    }
}
