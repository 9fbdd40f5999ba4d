// A module together with its compiled code: what instances are made of.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

/// <summary>A decoded module and its code in a <see cref="CodeMapping"/>.</summary>
public sealed class LoadedModule
{
    /// <param name="module">The module that was compiled.</param>
    /// <param name="code">The mapped image.</param>
    /// <param name="ordinal">Place of the module in the image.</param>
    /// <exception cref="CodeImageException">The image's counts are not those of the module.</exception>
    public LoadedModule(WasmModule module, CodeMapping code, int ordinal = 0)
    {
        Module = module;
        Code = code;
        Ordinal = ordinal;
        Layout = new ContextLayout(module);
    }

    public WasmModule Module { get; }

    public CodeMapping Code { get; }

    public int Ordinal { get; }

    public ContextLayout Layout { get; }
}
