// The data section and the data count section.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Decoding;

internal static class DataSections
{
    private const uint Active = 0;
    private const uint Passive = 1;
    private const uint ActiveInMemory = 2;

    internal static void ReadCount(ref ByteReader reader, ModuleDraft draft) => draft.DataCount = reader.ReadUInt32();

    internal static void ReadSegments(ref ByteReader reader, ReadOnlySpan<byte> moduleBytes, ModuleDraft draft)
    {
        int count = reader.ReadCount(draft.Limits.DataSegments);
        for (int i = 0; i < count && !reader.HasFailed; i++)
        {
            draft.DataOffsets.Add(reader.Offset);
            draft.DataSegments.Add(ReadSegment(ref reader, moduleBytes, draft));
        }
    }

    private static DataSegment ReadSegment(ref ByteReader reader, ReadOnlySpan<byte> moduleBytes, ModuleDraft draft)
    {
        int flagsOffset = reader.Offset;
        uint flags = reader.ReadUInt32();
        if (flags is not (Active or Passive or ActiveInMemory)) reader.Fail(flagsOffset, "malformed data segment kind");
        uint memory = flags == ActiveInMemory ? reader.ReadUInt32() : 0;
        var offset = flags == Passive ? default : reader.ReadConstantExpression(moduleBytes, draft.ReferencedFunctions);
        int length = reader.ReadCount();
        int dataOffset = reader.Offset;
        reader.Skip(length);
        return new DataSegment(flags == Passive ? SegmentMode.Passive : SegmentMode.Active, memory, offset, dataOffset, length);
    }
}
