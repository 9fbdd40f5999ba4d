// What a host offers to a module: functions, and memories, tables and globals of its own or of other instances.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

/// <summary>Definitions by module and name. A later definition of the same name replaces the earlier one.</summary>
public sealed class ImportSet
{
    private readonly Dictionary<(string Module, string Name), object> _definitions = [];

    public ImportSet Define(string module, string name, HostFunction function) => Add(module, name, function);

    public ImportSet Define(string module, string name, GuestMemory memory) => Add(module, name, memory);

    public ImportSet Define(string module, string name, GuestTable table) => Add(module, name, table);

    public ImportSet Define(string module, string name, GuestGlobal global) => Add(module, name, global);

    /// <summary>Offers one export of an instance.</summary>
    /// <exception cref="ArgumentException">The instance has no such export.</exception>
    public ImportSet Define(string module, string name, Instance exporter, string exportName)
    {
        var export = exporter.LoadedModule.FindExport(exportName) ?? throw new ArgumentException($"The instance has no export '{exportName}'.", nameof(exportName));
        return Add(module, name, Definition(exporter, export));
    }

    /// <summary>Offers all exports of an instance under their own names.</summary>
    public ImportSet DefineAll(string module, Instance exporter)
    {
        foreach (var export in exporter.LoadedModule.Module.Exports) Add(module, export.Name, Definition(exporter, export));
        return this;
    }

    /// <summary>A <see cref="HostFunction"/>, <see cref="ExportedFunction"/>, <see cref="GuestMemory"/>, <see cref="GuestTable"/> or <see cref="GuestGlobal"/>; null when undefined.</summary>
    internal object? Find(string module, string name) => _definitions.GetValueOrDefault((module, name));

    private static object Definition(Instance exporter, Export export) => export.Kind switch
    {
        ExternalKind.Function => new ExportedFunction(exporter, export.Index),
        ExternalKind.Memory => exporter.Memories[export.Index],
        ExternalKind.Table => exporter.Tables[export.Index],
        _ => exporter.GlobalAt(export.Index),
    };

    private ImportSet Add(string module, string name, object definition)
    {
        _definitions[(module, name)] = definition;
        return this;
    }
}

/// <summary>A function as another instance exports it.</summary>
internal sealed record ExportedFunction(Instance Exporter, uint FunctionIndex)
{
    public FunctionType Type => Exporter.LoadedModule.Module.TypeOf(FunctionIndex);
}
