// A wasm plugin's module: read, decoded, validated, checked against the ABI, compiled. Instances are made of it.

using Bimetal.Wasm.Runtime;
using Bimetal.Wasm.Modules;
namespace Bimetal.Plugins.ProxyWasm;

/// <summary>A loaded module.</summary>
internal sealed class PluginModule
{
    public required string File { get; init; }

    public required ProxyAbi Abi { get; init; }

    public required CallbackTable Callbacks { get; init; }

    public required LoadedModule Loaded { get; init; }

    public required ImportSet Imports { get; init; }

    public uint InitialMemoryPages => Loaded.Module.Memories is [var memory, ..] ? memory.Limits.Minimum : 0;

    public Instance CreateInstance(InstanceOptions options) => Instance.Create(Loaded, Imports, options);
}
