// Decoding and validation in one step, as the tests judge modules.

using Bimetal.Wasm.Decoding;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Validation;

namespace Bimetal.Wasm.Tests;

internal static class Loading
{
    /// <summary>The first fault, or null for a valid module.</summary>
    internal static WasmError? FaultOf(byte[] bytes, DecodeLimits? limits = null)
    {
        var module = ModuleDecoder.Decode(bytes, limits ?? DecodeLimits.Default, out var error);
        return module is null ? error : ModuleValidator.Validate(module, limits);
    }

    internal static WasmModule Decode(byte[] bytes) =>
        ModuleDecoder.Decode(bytes, DecodeLimits.Default, out var error) ?? throw new WasmModuleException(error!);
}
