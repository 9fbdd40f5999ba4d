// What a plugin is loaded from, once its metal is chosen: a file of the operator's own disk, or bytes of a bundle that were verified.

namespace Bimetal.Plugins;

/// <summary>A module or a shared object.</summary>
/// <param name="Name">The file, or what messages call the bytes.</param>
/// <param name="Bytes">Null: they are read from the file.</param>
public sealed record PluginSource(string Name, byte[]? Bytes = null)
{
    /// <summary>Machine code of a module, trusted and fit to be loaded here; empty: it is compiled.</summary>
    public ReadOnlyMemory<byte> Code { get; init; }
}
