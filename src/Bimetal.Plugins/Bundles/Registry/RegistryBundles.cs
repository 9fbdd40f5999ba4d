// Bundles of registries as the gateway uses them: what a reference means now, by its policy, from the registry or from the local store when the
// registry is away.

using Bimetal.Plugins.Bundles.Oci;

namespace Bimetal.Plugins.Bundles.Registry;

/// <summary>The key <c>pull.policy</c>.</summary>
public enum PullPolicy
{
    /// <summary>The registry is asked at each load; when it is away, what the store has serves.</summary>
    Always,

    /// <summary>It is asked only when the store has nothing for the reference.</summary>
    IfAbsent,

    /// <summary>It is never asked: the store was filled by <c>bimetal pull</c>.</summary>
    Never,
}

/// <summary><c>plugins.X.pull:</c>.</summary>
public sealed record PullConfig
{
    public PullPolicy Policy { get; init; } = PullPolicy.Always;

    /// <summary>How often a tag is looked up again while the gateway runs; null: never.</summary>
    public TimeSpan? Interval { get; init; }

    /// <summary>A file of logins; null: the usual places.</summary>
    public string? AuthFile { get; init; }

    /// <summary>PEM certificates of the registry's authority; null: the system's count.</summary>
    public string? CaFile { get; init; }
}

/// <summary>Thread-safe.</summary>
/// <param name="folder">The store; null: beside this user's cache of compiled code.</param>
/// <param name="backoff">Before a request is sent a second time; null: the usual time.</param>
public sealed class RegistryBundles(string? folder = null, TimeSpan? backoff = null)
{
    /// <summary>What to do about a bundle that came from a registry and is not sound.</summary>
    internal const string Remedy = "push the bundle again, or name another version";

    private readonly BundleStore _store = folder is null ? RegistryCommandRunner.UserStore() : new BundleStore(folder);

    /// <summary>Whether a bundle is in a registry.</summary>
    public static bool IsReference(string bundle)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        return bundle.StartsWith(RegistryReference.Scheme, StringComparison.Ordinal);
    }

    /// <summary>Brings the store up to date for a plugin, as its policy wants it.</summary>
    /// <returns>Something that the operator should know, or null.</returns>
    /// <exception cref="PluginLoadException">Neither the registry nor the store has it.</exception>
    public async Task<string?> RefreshAsync(PluginConfig config, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(config);
        var reference = Parse(config);
        var known = _store.Find(reference);
        bool isSettled = known is not null && (config.Pull.Policy != PullPolicy.Always || reference.Digest is not null) && IsWhole(reference, known);
        if (isSettled) return null;
        if (config.Pull.Policy == PullPolicy.Never) throw NotStored(reference);
        try
        {
            await PullAsync(config, reference, cancellation);
            return null;
        }
        catch (RegistryException exception) when (exception.IsAway && known is not null && IsWhole(reference, known))
        {
            return $"{reference}: {exception.Message}; what it led to before runs: {known.Root.Digest}";
        }
        catch (RegistryException exception)
        {
            throw new PluginLoadException($"{reference}: {exception.Message}", exception);
        }
        catch (BundleException exception)
        {
            throw new PluginLoadException($"{reference}: {exception.Message}; {Remedy}", exception);
        }
    }

    /// <summary>Asks the registry whether a tag has moved, and fetches what it leads to then.</summary>
    /// <returns>Whether something is to be loaded.</returns>
    /// <exception cref="PluginLoadException">It could not be asked, or what it gave does not verify.</exception>
    public async Task<bool> PollAsync(PluginConfig config, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(config);
        var reference = Parse(config);
        if (reference.Digest is not null) return false;
        try
        {
            string? before = _store.Find(reference)?.Fingerprint;
            _store.Use(reference);
            using var client = ClientOf(config, reference);
            if ((await BundleTransfer.LookAsync(reference, client, _store, cancellation)).Fingerprint == before) return false;
            return (await BundleTransfer.PullAsync(reference, client, _store, null, cancellation)).Fingerprint != before;
        }
        catch (RegistryException exception)
        {
            throw new PluginLoadException($"{reference}: {exception.Message}", exception);
        }
        catch (BundleException exception)
        {
            throw new PluginLoadException($"{reference}: {exception.Message}; {Remedy}", exception);
        }
    }

    /// <summary>Changes with what would be loaded; null when nothing could be.</summary>
    internal string? FingerprintOf(PluginConfig config) => RegistryReference.TryParse(config.Bundle, out var reference) ? _store.Find(reference)?.Fingerprint : null;

    /// <summary>Whether the store has a whole bundle for a reference. Nobody is asked.</summary>
    /// <exception cref="PluginLoadException">It has none and may not ask, or could not: a file that the configuration names is wrong.</exception>
    internal bool Check(PluginConfig config)
    {
        var reference = Parse(config);
        bool isStored = _store.Find(reference) is { } stored && IsWhole(reference, stored);
        if (config.Pull.Policy != PullPolicy.Never) ClientOf(config, reference).Dispose();
        else if (!isStored) throw NotStored(reference);
        return isStored;
    }

    /// <summary>The bundle in the store.</summary>
    /// <exception cref="PluginLoadException">It is not there, or damaged.</exception>
    internal PluginBundle Open(PluginConfig config)
    {
        var reference = Parse(config);
        if (_store.Find(reference) is not { } stored) throw new PluginLoadException($"{reference}: is not in the store {_store.Folder}");
        try
        {
            return _store.Open(reference, stored);
        }
        catch (BundleException exception)
        {
            throw new PluginLoadException($"{reference}: {exception.Message}; delete {_store.Folder} and fetch it again", exception);
        }
    }

    private PluginLoadException NotStored(RegistryReference reference) =>
        new($"{reference}: is not in the store {_store.Folder}, and pull.policy is never; run: bimetal pull {reference}");

    private async Task PullAsync(PluginConfig config, RegistryReference reference, CancellationToken cancellation)
    {
        using var client = ClientOf(config, reference);
        await BundleTransfer.PullAsync(reference, client, _store, null, cancellation);
    }

    private RegistryClient ClientOf(PluginConfig config, RegistryReference reference)
    {
        var access = RegistryAccess.Find(reference.Host, config.Pull.AuthFile, config.Pull.CaFile);
        return new RegistryClient(reference, backoff is { } time ? access with { Backoff = time } : access);
    }

    private bool IsWhole(RegistryReference reference, StoredBundle stored)
    {
        try
        {
            _store.Open(reference, stored).VerifyAllLayers();
            return true;
        }
        catch (Exception exception) when (exception is BundleException or PluginLoadException)
        {
            return false;
        }
    }

    private static RegistryReference Parse(PluginConfig config) => RegistryReference.TryParse(config.Bundle, out var reference)
        ? reference
        : throw new PluginLoadException($"{config.Bundle}: is not a reference; write {RegistryReference.Form}");
}
