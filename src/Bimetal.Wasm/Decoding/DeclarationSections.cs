// The sections that declare what a module has: types, functions, tables, memories, globals, exports, start.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Decoding;

internal static class DeclarationSections
{
    internal static void ReadTypes(ref ByteReader reader, ModuleDraft draft)
    {
        int count = reader.ReadCount(draft.Limits.Types);
        for (int i = 0; i < count && !reader.HasFailed; i++) draft.Types.Add(reader.ReadFunctionType(draft.Limits));
    }

    internal static void ReadFunctions(ref ByteReader reader, ModuleDraft draft)
    {
        int count = reader.ReadCount(draft.Limits.Functions);
        for (int i = 0; i < count && !reader.HasFailed; i++)
        {
            draft.FunctionOffsets.Add(reader.Offset);
            draft.FunctionTypes.Add(reader.ReadUInt32());
        }
    }

    internal static void ReadTables(ref ByteReader reader, ModuleDraft draft)
    {
        int count = reader.ReadCount(draft.Limits.Tables, already: draft.Tables.Count);
        for (int i = 0; i < count && !reader.HasFailed; i++)
        {
            draft.TableOffsets.Add(reader.Offset);
            draft.Tables.Add(reader.ReadTableType());
        }
    }

    // More than one memory is well-formed, and refused by the validator; they take at least two bytes each.
    internal static void ReadMemories(ref ByteReader reader, ModuleDraft draft)
    {
        int count = reader.ReadCount();
        for (int i = 0; i < count && !reader.HasFailed; i++)
        {
            draft.MemoryOffsets.Add(reader.Offset);
            draft.Memories.Add(reader.ReadMemoryType());
        }
    }

    internal static void ReadGlobals(ref ByteReader reader, ReadOnlySpan<byte> moduleBytes, ModuleDraft draft)
    {
        int count = reader.ReadCount(draft.Limits.Globals);
        for (int i = 0; i < count && !reader.HasFailed; i++)
        {
            var type = reader.ReadGlobalType();
            var initializer = reader.ReadConstantExpression(moduleBytes, draft.ReferencedFunctions);
            draft.GlobalTypes.Add(type);
            draft.Globals.Add(new Global(type, initializer));
        }
    }

    internal static void ReadExports(ref ByteReader reader, ModuleDraft draft)
    {
        int count = reader.ReadCount(draft.Limits.Exports);
        for (int i = 0; i < count && !reader.HasFailed; i++)
        {
            draft.ExportOffsets.Add(reader.Offset);
            string name = reader.ReadName(draft.Limits);
            int kindOffset = reader.Offset;
            byte kind = reader.ReadByte();
            if (kind > (byte)ExternalKind.Global) reader.Fail(kindOffset, "malformed export kind");
            uint index = reader.ReadUInt32();
            draft.Exports.Add(new Export(name, (ExternalKind)kind, index));
            if (kind == (byte)ExternalKind.Function) draft.ReferencedFunctions.Add(index);
        }
    }

    internal static void ReadStart(ref ByteReader reader, ModuleDraft draft)
    {
        draft.StartOffset = reader.Offset;
        draft.StartFunction = reader.ReadUInt32();
    }
}
