// oci://HOST[:PORT]/REPOSITORY[:TAG][@sha256:DIGEST]

using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text.RegularExpressions;
using Bimetal.Plugins.Bundles.Oci;

namespace Bimetal.Plugins.Bundles.Registry;

/// <summary>Where a bundle is in a registry. Immutable.</summary>
/// <param name="Host">With its port, if there is one.</param>
/// <param name="Tag">Empty when only a digest is given.</param>
/// <param name="Digest">A pin: nothing else is ever taken; null: whatever the tag leads to.</param>
public sealed partial record RegistryReference(string Host, string Repository, string Tag, OciDigest? Digest)
{
    public const string Scheme = "oci://";

    /// <summary>How a reference is written, for messages.</summary>
    public const string Form = "oci://registry.example/team/plugin:1.0.0, with @sha256:… behind it to pin it";

    /// <summary>The tag or, without one, the digest.</summary>
    public string TagOrDigest => Digest?.ToString() ?? Tag;

    /// <summary>Whether the registry is on this machine.</summary>
    public bool IsLoopback
    {
        get
        {
            string name = Host.StartsWith('[') ? Host[1..Host.IndexOf(']', StringComparison.Ordinal)] : Host.Split(':')[0];
            return name == "localhost" || (IPAddress.TryParse(name, out var address) && IPAddress.IsLoopback(address));
        }
    }

    /// <summary>Reads a reference; the scheme may be left out.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out RegistryReference? reference)
    {
        ArgumentNullException.ThrowIfNull(text);
        reference = null;
        var match = Pattern().Match(text);
        if (!match.Success) return false;
        OciDigest? digest = null;
        if (match.Groups["digest"] is { Success: true, Value: var hex }) digest = new OciDigest(hex);
        string tag = match.Groups["tag"].Value;
        if (tag.Length == 0 && digest is null) return false;
        reference = new RegistryReference(match.Groups["host"].Value, match.Groups["repository"].Value, tag, digest);
        return Uri.TryCreate($"http://{reference.Host}/", UriKind.Absolute, out _);
    }

    public override string ToString() =>
        $"{Scheme}{Host}/{Repository}{(Tag.Length > 0 ? ":" + Tag : "")}{(Digest is { } digest ? $"@{digest}" : "")}";

    [GeneratedRegex(
        @"^(oci://)?(?<host>(\[[0-9a-fA-F:]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)(:[0-9]{1,5})?)/(?<repository>[a-z0-9]+([._/-]+[a-z0-9]+)*)(:(?<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(@sha256:(?<digest>[0-9a-f]{64}))?\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Pattern();
}
