// The versions of the proxy-wasm ABI that this host speaks, and how a module says which one it was built for.

using Bimetal.Wasm.Modules;

namespace Bimetal.Plugins.ProxyWasm;

/// <summary>A version of the ABI; later ones compare greater.</summary>
internal enum ProxyAbi
{
    V0_1_0 = 0x000100,
    V0_2_0 = 0x000200,
    V0_2_1 = 0x000201,
}

internal static class ProxyAbis
{
    private const string MarkerPrefix = "proxy_abi_version_";

    /// <summary>Finds the marker export; the highest version counts when there are several.</summary>
    /// <param name="fault">What is wrong when none is known.</param>
    public static ProxyAbi? Detect(WasmModule module, out string? fault)
    {
        ProxyAbi? best = null;
        string? unknown = null;
        foreach (var export in module.Exports)
        {
            if (export.Kind != ExternalKind.Function || !export.Name.StartsWith(MarkerPrefix, StringComparison.Ordinal)) continue;
            var version = Parse(export.Name[MarkerPrefix.Length..]);
            if (version is null) unknown = export.Name;
            else if (best is null || version > best) best = version;
        }

        fault = best is not null ? null
            : unknown is not null ? $"built for an ABI that this host does not speak ({unknown}); it speaks 0.1.0, 0.2.0 and 0.2.1"
            : "not a proxy-wasm plugin: it exports no proxy_abi_version_0_1_0, proxy_abi_version_0_2_0 or proxy_abi_version_0_2_1";
        return best;
    }

    private static ProxyAbi? Parse(string version) => version switch
    {
        "0_1_0" => ProxyAbi.V0_1_0,
        "0_2_0" => ProxyAbi.V0_2_0,
        "0_2_1" => ProxyAbi.V0_2_1,
        _ => null,
    };
}
