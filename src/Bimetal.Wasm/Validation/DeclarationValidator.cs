// Imports, functions, tables, memories, globals, exports and the start function.

using Bimetal.Wasm.Decoding;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Validation;

internal sealed class DeclarationValidator(ModuleScope scope, DecodeLimits decodeLimits)
{
    private const uint MaximumMemoryPages = 65_536;

    private WasmModule Module => scope.Module;

    private ItemOffsets Offsets => scope.Module.ItemOffsets;

    /// <summary>Checks that every function has a type; everything else may then ask for it.</summary>
    internal static WasmError? CheckTypeIndices(WasmModule module)
    {
        uint typeCount = (uint)module.Types.Length;
        for (int i = 0; i < module.Imports.Length; i++)
        {
            var import = module.Imports[i];
            if (import.Kind == ExternalKind.Function && import.TypeIndex >= typeCount)
                return new WasmError(module.ItemOffsets.Imports[i], Invalid.Unknown("type", import.TypeIndex));
        }

        for (int i = 0; i < module.Functions.Length; i++)
        {
            uint typeIndex = module.Functions[i].TypeIndex;
            if (typeIndex >= typeCount) return new WasmError(module.ItemOffsets.Functions[i], Invalid.Unknown("type", typeIndex));
        }

        return null;
    }

    internal WasmError? Validate() => CheckTables() ?? CheckMemories() ?? CheckGlobals() ?? CheckExports() ?? CheckStart();

    private WasmError? CheckTables()
    {
        for (int i = 0; i < Module.Tables.Length; i++)
        {
            if (CheckOrder(Module.Tables[i].Limits) is { } fault) return new WasmError(OffsetOf(ExternalKind.Table, i), fault);
        }

        return null;
    }

    private WasmError? CheckMemories()
    {
        for (int i = 0; i < Module.Memories.Length; i++)
        {
            var limits = Module.Memories[i].Limits;
            string? fault = i > 0 ? "multiple memories" : null;
            if (limits.Minimum > MaximumMemoryPages || limits.Maximum > MaximumMemoryPages) fault ??= Invalid.MemorySize;
            fault ??= CheckOrder(limits);
            if (fault is not null) return new WasmError(OffsetOf(ExternalKind.Memory, i), fault);
        }

        return null;
    }

    private static string? CheckOrder(SizeLimits limits) => limits.Minimum > limits.Maximum ? Invalid.SizeOrder : null;

    private WasmError? CheckGlobals()
    {
        var expressions = new ConstantExpressionValidator(scope, decodeLimits);
        foreach (var global in Module.Globals)
        {
            if (expressions.Validate(global.Initializer, global.Type.ValueType) is { } error) return error;
        }

        return null;
    }

    private WasmError? CheckExports()
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < Module.Exports.Length; i++)
        {
            var export = Module.Exports[i];
            if (!names.Add(export.Name)) return new WasmError(Offsets.Exports[i], $"duplicate export name \"{export.Name}\"");
            if (!Exists(export)) return new WasmError(Offsets.Exports[i], Invalid.Unknown(NameOf(export.Kind), export.Index));
        }

        return null;
    }

    private bool Exists(Export export) => export.Kind switch
    {
        ExternalKind.Function => scope.HasFunction(export.Index),
        ExternalKind.Table => scope.HasTable(export.Index),
        ExternalKind.Memory => scope.HasMemory(export.Index),
        _ => scope.HasGlobal(export.Index),
    };

    private static string NameOf(ExternalKind kind) => kind switch
    {
        ExternalKind.Function => "function",
        ExternalKind.Table => "table",
        ExternalKind.Memory => "memory",
        _ => "global",
    };

    private WasmError? CheckStart()
    {
        if (Module.StartFunction is not { } start) return null;
        if (!scope.HasFunction(start)) return new WasmError(Offsets.Start, Invalid.Unknown("function", start));
        var type = Module.TypeOf(start);
        return type.Parameters.IsEmpty && type.Results.IsEmpty ? null : new WasmError(Offsets.Start, $"start function must be of type () -> (), not {type}");
    }

    // Imported items come first in each index space.
    private int OffsetOf(ExternalKind kind, int index)
    {
        int importedBefore = 0;
        for (int i = 0; i < Module.Imports.Length; i++)
        {
            if (Module.Imports[i].Kind != kind) continue;
            if (importedBefore == index) return Offsets.Imports[i];
            importedBefore++;
        }

        return (kind == ExternalKind.Table ? Offsets.Tables : Offsets.Memories)[index - importedBefore];
    }
}
