// What a registry said, or that it said nothing.

namespace Bimetal.Plugins.Bundles.Registry;

/// <summary>A request that failed for good; the message is half a sentence with the remedy.</summary>
/// <param name="IsAway">Whether the registry could not be reached or had trouble of its own, so that what is cached may serve meanwhile.</param>
internal sealed class RegistryException(string message, bool isAway, bool isAbsent = false) : Exception(message)
{
    public bool IsAway => isAway;

    /// <summary>Whether the registry says that it does not have it.</summary>
    public bool IsAbsent => isAbsent;
}
