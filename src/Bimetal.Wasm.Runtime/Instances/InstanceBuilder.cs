// Instantiation up to, and not including, the active segments: fills in the context block. Order as in core specification 4.5.4:
// imports, functions, tables, memories, globals.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

internal static unsafe class InstanceBuilder
{
    public static Instance Build(LoadedModule module, ImportSet imports, InstanceOptions options)
    {
        var definitions = ImportResolver.Resolve(module.Module, imports);
        var instance = new Instance(module, options);
        try
        {
            WriteHeader(instance);
            WriteFunctions(instance);
            Link(instance, definitions);
            MakeTables(instance);
            MakeMemories(instance);
            MakeGlobals(instance);
            return instance;
        }
        catch
        {
            instance.Dispose();
            throw;
        }
    }

    /// <summary>The part of the context that is the same for every instance, and the handle by which host functions find this one.</summary>
    // SAFETY (all members): the context block has room for what its layout names, and nobody else sees it yet.
    public static void WriteHeader(Instance instance)
    {
        var context = instance.Context;
        *context.HostData = instance.SelfHandle;
        *context.Raise = Shim.RaiseAddress();
        foreach (var builtin in Builtins.All) *context.Builtin(builtin.Operation) = builtin.Entry;
        for (int index = 0; index < instance.LoadedModule.TypeIds.Length; index++) *context.TypeId((uint)index) = instance.LoadedModule.TypeIds[index];
    }

    private static void WriteFunctions(Instance instance)
    {
        var module = instance.LoadedModule;
        foreach (uint index in module.Layout.RecordedFunctions)
        {
            var record = instance.Context.Function(index);
            record->Code = module.CodeOf(index);
            record->Context = (nint)instance.Context.Address;
            record->TailOffset = module.TailOffsetOf(index);
            record->TypeId = module.TypeIds[(int)module.Module.TypeIndexOf(index)];
            record->Self = (ulong)record;
        }
    }

    private static void Link(Instance instance, object[] definitions)
    {
        uint functionIndex = 0;
        int memoryIndex = 0, tableIndex = 0, globalIndex = 0;
        foreach (object definition in definitions)
        {
            if (definition is GuestObject shared) LinkGroup.Merge(instance, shared);
            switch (definition)
            {
                case HostFunction function:
                    *instance.Context.HostFunction(functionIndex++) = function.Entry;
                    break;
                case ExportedFunction function:
                    LinkGroup.Merge(instance, function.Exporter);
                    // The exporter's own record, Self included: a reference to this function is the same in all instances.
                    *instance.Context.Function(functionIndex++) = *function.Exporter.Context.Function(function.FunctionIndex);
                    break;
                case GuestMemory memory:
                    if (!memory.HasSlot && instance.LoadedModule.Code.NeedsSlots)
                        throw new LinkException("a memory of code with explicit bounds checks cannot be shared with code that relies on guard pages: compile both with the same --bounds");
                    instance.Memories[memoryIndex++] = memory;
                    break;
                case GuestTable table:
                    instance.Tables[tableIndex] = table;
                    *instance.Context.Table((uint)tableIndex++) = table.Record;
                    break;
                case GuestGlobal global:
                    instance.ImportedGlobals[globalIndex] = global;
                    *(byte**)instance.Context.Global((uint)globalIndex++) = global.Cell;
                    break;
            }
        }
    }

    private static void MakeTables(Instance instance)
    {
        var module = instance.LoadedModule.Module;
        uint left = instance.Options.MaximumTableElements;
        for (int index = module.ImportedTableCount; index < module.Tables.Length; index++)
        {
            SetTable(instance, index, GuestTable.Create(module.Tables[index], left, instance));
            left -= module.Tables[index].Limits.Minimum;    // which the table was refused for if it were more
        }
    }

    private static void MakeMemories(Instance instance)
    {
        var module = instance.LoadedModule.Module;
        for (int index = module.ImportedMemoryCount; index < module.Memories.Length; index++)
            instance.Memories[index] = GuestMemory.Create(module.Memories[index], instance.Options.MaximumMemoryPages, instance);
        WriteMemory(instance);
    }

    private static void MakeGlobals(Instance instance)
    {
        var module = instance.LoadedModule.Module;
        for (int index = 0; index < module.Globals.Length; index++)
        {
            var value = ConstantEvaluator.Evaluate(instance, module.Globals[index].Initializer);
            GuestGlobal.WriteCell(instance.Context.Global((uint)(module.ImportedGlobalCount + index)), value);
        }
    }

    public static void SetTable(Instance instance, int index, GuestTable table)
    {
        instance.Tables[index] = table;
        *instance.Context.Table((uint)index) = table.Record;
    }

    public static void WriteMemory(Instance instance)
    {
        if (instance.Memory is not { } memory) return;
        *instance.Context.Memory = memory.Record;
        *instance.Context.MemoryBase = memory.Record->Base;
    }
}
