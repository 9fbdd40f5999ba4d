// Validation of a whole module (core specification 3.4): declarations first, then segments, then every function body.

using Bimetal.Wasm.Decoding;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Validation;

/// <summary>Decides whether a decoded module is valid. Compiler and runtime take valid modules only.</summary>
public static class ModuleValidator
{
    /// <summary>Checks everything that the specification demands of a module, and the limits that apply to function bodies.</summary>
    /// <returns>Null when the module is valid, otherwise the first fault.</returns>
    public static WasmError? Validate(WasmModule module, DecodeLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        if (DeclarationValidator.CheckTypeIndices(module) is { } typeError) return typeError;
        limits ??= DecodeLimits.Default;
        var scope = new ModuleScope(module);
        return new DeclarationValidator(scope, limits).Validate()
            ?? new SegmentValidator(scope, limits).Validate()
            ?? ValidateBodies(scope, limits);
    }

    private static WasmError? ValidateBodies(ModuleScope scope, DecodeLimits limits)
    {
        var validator = new FunctionValidator(scope, limits);
        foreach (var function in scope.Module.Functions)
        {
            if (validator.Validate(function) is { } error) return error;
        }

        return null;
    }
}
