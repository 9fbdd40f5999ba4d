// The import section: fills the front of every index space.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Decoding;

internal static class ImportSection
{
    internal static void Read(ref ByteReader reader, ModuleDraft draft)
    {
        int count = reader.ReadCount(draft.Limits.Imports);
        for (int i = 0; i < count && !reader.HasFailed; i++)
        {
            draft.ImportOffsets.Add(reader.Offset);
            string module = reader.ReadName(draft.Limits);
            string name = reader.ReadName(draft.Limits);
            int kindOffset = reader.Offset;
            switch ((ExternalKind)reader.ReadByte())
            {
                case ExternalKind.Function: AddFunction(ref reader, draft, module, name); break;
                case ExternalKind.Table: AddTable(ref reader, draft, module, name); break;
                case ExternalKind.Memory: AddMemory(ref reader, draft, module, name); break;
                case ExternalKind.Global: AddGlobal(ref reader, draft, module, name); break;
                default: reader.Fail(kindOffset, "malformed import kind"); break;
            }
        }
    }

    private static void AddFunction(ref ByteReader reader, ModuleDraft draft, string module, string name)
    {
        uint typeIndex = reader.ReadUInt32();
        draft.ImportedFunctionTypes.Add(typeIndex);
        draft.Imports.Add(new Import(module, name, ExternalKind.Function, typeIndex, null, null, null));
    }

    private static void AddTable(ref ByteReader reader, ModuleDraft draft, string module, string name)
    {
        int offset = reader.Offset;
        var type = reader.ReadTableType();
        draft.Tables.Add(type);
        draft.ImportedTableCount++;
        reader.Require(offset, draft.Tables.Count, draft.Limits.Tables);
        draft.Imports.Add(new Import(module, name, ExternalKind.Table, 0, type, null, null));
    }

    private static void AddMemory(ref ByteReader reader, ModuleDraft draft, string module, string name)
    {
        var type = reader.ReadMemoryType();
        draft.Memories.Add(type);
        draft.ImportedMemoryCount++;
        draft.Imports.Add(new Import(module, name, ExternalKind.Memory, 0, null, type, null));
    }

    private static void AddGlobal(ref ByteReader reader, ModuleDraft draft, string module, string name)
    {
        var type = reader.ReadGlobalType();
        draft.GlobalTypes.Add(type);
        draft.Imports.Add(new Import(module, name, ExternalKind.Global, 0, null, null, type));
    }
}
