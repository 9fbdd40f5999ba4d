// What `bimetal build` was asked to do.

namespace Bimetal.Plugins.Bundles;

/// <summary>One build: of a plugin folder, or around a module that is there already.</summary>
public sealed record BuildRequest
{
    /// <summary>The plugin folder; null with <see cref="From"/>.</summary>
    public string? Folder { get; init; }

    /// <summary>A .wasm file or a bundle to wrap; null with <see cref="Folder"/>.</summary>
    public string? From { get; init; }

    /// <summary>Names of targets; empty: all that can be built here.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <summary>Where the bundle goes; null: <c>DIR/build/NAME.bimetal</c>, or beside the module.</summary>
    public string? Output { get; init; }

    /// <summary>A private key that signs the bundle; null: it stays unsigned.</summary>
    public string? Key { get; init; }
}
