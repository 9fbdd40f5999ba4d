// Custom sections: name and range of each. Of the name section the function names are read; what is malformed in it is ignored, as
// the specification demands of custom sections.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Decoding;

internal static class CustomSections
{
    private const byte FunctionNames = 1;

    internal static void Read(ref ByteReader reader, ReadOnlySpan<byte> moduleBytes, ModuleDraft draft)
    {
        int start = reader.Offset;
        string name = reader.ReadName(draft.Limits);
        reader.Require(start, draft.CustomSections.Count + 1, draft.Limits.CustomSections);
        if (reader.HasFailed) return;
        draft.CustomSections.Add(new CustomSection(name, reader.Offset, reader.Remaining));
        if (name == "name" && draft.FunctionNames.Count == 0)
        {
            var names = new ByteReader(moduleBytes, reader.Offset, reader.Remaining);
            ReadNames(ref names, moduleBytes, draft);
        }

        reader.Skip(reader.Remaining);
    }

    private static void ReadNames(ref ByteReader reader, ReadOnlySpan<byte> moduleBytes, ModuleDraft draft)
    {
        while (!reader.IsAtEnd)
        {
            byte id = reader.ReadByte();
            int size = reader.ReadCount();
            if (reader.HasFailed) return;
            if (id == FunctionNames)
            {
                var subsection = new ByteReader(moduleBytes, reader.Offset, size);
                ReadFunctionNames(ref subsection, draft);
            }

            reader.Skip(size);
        }
    }

    private static void ReadFunctionNames(ref ByteReader reader, ModuleDraft draft)
    {
        int count = reader.ReadCount();
        for (int i = 0; i < count; i++)
        {
            uint index = reader.ReadUInt32();
            string name = reader.ReadName(draft.Limits);
            if (reader.HasFailed) return;

            // Names of functions that do not exist are dropped, which also bounds the table by the module's functions.
            if (index < (uint)draft.FunctionCount) draft.FunctionNames[index] = name;
        }
    }
}
