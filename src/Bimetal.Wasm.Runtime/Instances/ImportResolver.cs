// Finds what an import set has for each import of a module and compares types, before anything is made: a module that cannot be
// linked has no effect on others. Matching rules: core specification 4.5.2 and 3.4 (import matching).

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

internal static class ImportResolver
{
    /// <summary>The definition of each import, in the order of the imports.</summary>
    /// <exception cref="LinkException">One is missing or of another type.</exception>
    public static object[] Resolve(WasmModule module, ImportSet imports)
    {
        var definitions = new object[module.Imports.Length];
        for (int index = 0; index < definitions.Length; index++)
        {
            var import = module.Imports[index];
            var definition = imports.Find(import.Module, import.Name)
                ?? throw new LinkException($"unknown import: \"{import.Module}\" \"{import.Name}\", {Describe(module, import)}");
            if (!Matches(module, import, definition))
            {
                throw new LinkException(
                    $"incompatible import type: \"{import.Module}\" \"{import.Name}\" is {Describe(definition)}, the module wants {Describe(module, import)}");
            }

            var shared = definition as GuestObject ?? (definition as ExportedFunction)?.Exporter;
            if (shared is not null) ObjectDisposedException.ThrowIf(shared.IsDisposed, shared);
            definitions[index] = definition;
        }

        return definitions;
    }

    private static bool Matches(WasmModule module, Import import, object definition) => (import.Kind, definition) switch
    {
        (ExternalKind.Function, HostFunction function) => function.Type.Equals(module.Types[(int)import.TypeIndex]),
        (ExternalKind.Function, ExportedFunction function) => function.Type.Equals(module.Types[(int)import.TypeIndex]),
        (ExternalKind.Memory, GuestMemory memory) => Includes(import.Memory!.Value.Limits, memory.Type.Limits),
        (ExternalKind.Table, GuestTable table) =>
            table.Type.ElementType == import.Table!.Value.ElementType && Includes(import.Table.Value.Limits, table.Type.Limits),
        (ExternalKind.Global, GuestGlobal global) => global.Type == import.Global!.Value,
        _ => false,
    };

    private static bool Includes(SizeLimits wanted, SizeLimits actual) =>
        actual.Minimum >= wanted.Minimum && (wanted.Maximum is null || actual.Maximum <= wanted.Maximum);

    private static string Describe(WasmModule module, Import import) => import.Kind switch
    {
        ExternalKind.Function => $"a function {module.Types[(int)import.TypeIndex]}",
        ExternalKind.Memory => Describe(import.Memory!.Value),
        ExternalKind.Table => Describe(import.Table!.Value),
        _ => Describe(import.Global!.Value),
    };

    private static string Describe(object definition) => definition switch
    {
        HostFunction function => $"a function {function.Type}",
        ExportedFunction function => $"a function {function.Type}",
        GuestMemory memory => Describe(memory.Type),
        GuestTable table => Describe(table.Type),
        GuestGlobal global => Describe(global.Type),
        _ => "nothing that can be imported",
    };

    private static string Describe(MemoryType type) => $"a memory of {Describe(type.Limits)} pages";

    private static string Describe(TableType type) => $"a table of {Describe(type.Limits)} {type.ElementType.Name()}";

    private static string Describe(GlobalType type) => $"a {(type.IsMutable ? "mutable" : "constant")} global {type.ValueType.Name()}";

    private static string Describe(SizeLimits limits) => limits.Maximum is { } maximum ? $"{limits.Minimum} to {maximum}" : $"at least {limits.Minimum}";
}
