// What a host offers to a module: functions, and memories, tables and globals of its own or of other instances.

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
    public ImportSet Define(string module, string name, Instance exporter, string exportName) => throw new NotSupportedException();

    /// <summary>Offers all exports of an instance under their own names.</summary>
    public ImportSet DefineAll(string module, Instance exporter) => throw new NotSupportedException();

    private ImportSet Add(string module, string name, object definition)
    {
        _definitions[(module, name)] = definition;
        return this;
    }
}
