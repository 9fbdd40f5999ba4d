// The profile of one configuration as it was found, and the decisions that follow from it.

namespace Bimetal.Plugins.Profiles;

/// <summary>Immutable.</summary>
/// <param name="Document">Null when there is none that can be used.</param>
/// <param name="Problem">Why not; otherwise empty.</param>
public sealed record ProfileSource(ProfileDocument? Document, string Problem)
{
    /// <summary>For whoever has no configuration file.</summary>
    public static ProfileSource None { get; } = new(null, "there is none");

    /// <summary>Reads the file; what is wrong with it stands in <see cref="Problem"/>.</summary>
    /// <param name="path">Null: there is none.</param>
    public static ProfileSource Read(string? path) => path is null ? None : new(ProfileDocument.TryRead(path, out string problem), problem);

    /// <summary>The figures of a plugin that are valid now.</summary>
    /// <param name="problem">Why there are none; otherwise empty.</param>
    public PluginProfile? Find(PluginConfig config, out string problem)
    {
        ArgumentNullException.ThrowIfNull(config);
        problem = Problem;
        if (Document is null) return null;
        problem = "the profile does not have it";
        if (Document.Plugins.FirstOrDefault(plugin => plugin.Plugin == config.Name) is not { } found) return null;
        problem = "it does not have both builds here";
        if (ProfileKey.TryOf(config) is not { } now) return null;
        problem = found.Key.DifferenceFrom(now) ?? "";
        return problem.Length == 0 ? found : null;
    }

    /// <summary>What <c>metal: auto</c> means for a plugin here and now.</summary>
    public MetalDecision Decide(PluginConfig config) => Find(config, out string problem) is { } profile
        ? MetalDecision.Of(config, profile, Document!.Rps)
        : MetalDecision.Without(config, problem);
}
