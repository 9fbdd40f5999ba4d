// The section signatures: whose signature vouches for what. A publisher vouches for the module. A builder, the operator's own, vouches for
// machine code as well: loading that code runs it, before anybody could look. A signature over the index is one over everything in it, a signature
// over a manifest one over the artefacts of that platform.

using Bimetal.Plugins.Bundles.Oci;

namespace Bimetal.Plugins.Bundles.Signing;

/// <summary>What the signatures of a bundle are worth here.</summary>
/// <param name="IsBuilt">A trusted builder signed it, so its machine code may be loaded.</param>
/// <param name="IsPublished">A trusted publisher or builder signed it.</param>
/// <param name="Reason">Why it is not better than that: half a sentence.</param>
public sealed record SignatureVerdict(bool IsBuilt, bool IsPublished, string Reason);

/// <summary>Keys that are trusted. Immutable; compared by content.</summary>
public sealed class SignaturePolicy : IEquatable<SignaturePolicy>
{
    public static SignaturePolicy None { get; } = new();

    public IReadOnlyList<TrustKey> Publishers { get; init; } = [];

    public IReadOnlyList<TrustKey> Builders { get; init; } = [];

    /// <summary>Whether a bundle that no trusted key has signed is refused as a whole.</summary>
    public bool IsRequired { get; init; }

    public bool Equals(SignaturePolicy? other) => other is not null && Text() == other.Text();

    public override bool Equals(object? obj) => Equals(obj as SignaturePolicy);

    public override int GetHashCode() => Text().GetHashCode(StringComparison.Ordinal);

    /// <summary>What signatures over the whole are worth.</summary>
    internal SignatureVerdict JudgeWhole(PluginBundle bundle, DateTimeOffset now) => Judge(bundle, null, now);

    /// <param name="target">The artefact that is to be loaded; null: all of them.</param>
    internal SignatureVerdict Judge(PluginBundle bundle, BuildTarget? target, DateTimeOffset now)
    {
        var problems = new List<string>();
        bool isBuilt = IsSignedBy(Builders, bundle, target, now, problems);
        bool isPublished = isBuilt || IsSignedBy(Publishers, bundle, target, now, problems);
        string reason = problems.Count > 0 ? string.Join("; ", problems.Distinct())
            : bundle.Signatures.Count == 0 ? "it is not signed"
            : $"none of its signatures ({bundle.Signatures.Count}) is by a trusted {(isPublished ? "builder" : "key")}{(bundle.IsSignedInParts ? $" and over {target?.Name ?? "everything"}" : "")}";
        return new SignatureVerdict(isBuilt, isPublished, reason);
    }

    private static bool IsSignedBy(IReadOnlyList<TrustKey> keys, PluginBundle bundle, BuildTarget? target, DateTimeOffset now, List<string> problems)
    {
        foreach (var key in keys.Where(key => bundle.IsSignedBy(key, target)))
        {
            if (key.ProblemAt(now) is not { } problem) return true;
            problems.Add(problem);
        }

        return false;
    }

    private string Text() => $"{IsRequired} {string.Join(',', Publishers.Select(Describe))} {string.Join(',', Builders.Select(Describe))}";

    private static string Describe(TrustKey key) => $"{Convert.ToHexString(key.SubjectPublicKeyInfo)} {key.NotBefore.Ticks} {key.NotAfter.Ticks}";
}
