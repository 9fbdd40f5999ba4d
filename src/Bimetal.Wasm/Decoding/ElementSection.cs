// The element section. Three bits of a segment's flags say how it is written:
//   bit 0  not active       bit 1  explicit table (active) or declarative (not active)       bit 2  expressions instead of function indices

using System.Collections.Immutable;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Decoding;

internal static class ElementSection
{
    private const uint NotActive = 1;
    private const uint ExplicitTable = 2;
    private const uint Expressions = 4;

    internal static void Read(ref ByteReader reader, ReadOnlySpan<byte> moduleBytes, ModuleDraft draft)
    {
        int count = reader.ReadCount(draft.Limits.ElementSegments);
        for (int i = 0; i < count && !reader.HasFailed; i++)
        {
            draft.ElementOffsets.Add(reader.Offset);
            draft.Elements.Add(ReadSegment(ref reader, moduleBytes, draft));
        }
    }

    private static ElementSegment ReadSegment(ref ByteReader reader, ReadOnlySpan<byte> moduleBytes, ModuleDraft draft)
    {
        int flagsOffset = reader.Offset;
        uint flags = reader.ReadUInt32();
        if (flags > 7) reader.Fail(flagsOffset, "malformed elements segment kind");
        bool isActive = (flags & NotActive) == 0;
        uint table = 0;
        ConstantExpression offset = default;
        if (isActive)
        {
            if ((flags & ExplicitTable) != 0) table = reader.ReadUInt32();
            offset = reader.ReadConstantExpression(moduleBytes, draft.ReferencedFunctions);
        }

        // Only the two oldest forms leave the element type out.
        bool hasType = (flags & (NotActive | ExplicitTable)) != 0;
        bool hasExpressions = (flags & Expressions) != 0;
        var type = hasType ? ReadElementType(ref reader, hasExpressions) : ValueType.FuncRef;
        var items = hasExpressions ? ReadExpressions(ref reader, moduleBytes, draft) : ReadFunctions(ref reader, draft);
        return new ElementSegment(ModeOf(flags), type, table, offset, items);
    }

    private static SegmentMode ModeOf(uint flags) => (flags & (NotActive | ExplicitTable)) switch
    {
        NotActive => SegmentMode.Passive,
        NotActive | ExplicitTable => SegmentMode.Declarative,
        _ => SegmentMode.Active,
    };

    // Beside expressions stands a reference type, beside function indices an element kind, of which there is one.
    private static ValueType ReadElementType(ref ByteReader reader, bool hasExpressions)
    {
        if (hasExpressions) return reader.ReadReferenceType();
        int offset = reader.Offset;
        if (reader.ReadByte() != 0) reader.Fail(offset, "malformed element kind");
        return ValueType.FuncRef;
    }

    private static ImmutableArray<ElementItem> ReadFunctions(ref ByteReader reader, ModuleDraft draft)
    {
        int count = ReadItemCount(ref reader, draft);
        var items = ImmutableArray.CreateBuilder<ElementItem>(LimitedReads.Capacity(count));
        for (int i = 0; i < count && !reader.HasFailed; i++)
        {
            uint function = reader.ReadUInt32();
            draft.ReferencedFunctions.Add(function);
            items.Add(new ElementItem(function, null));
        }

        return items.DrainToImmutable();
    }

    private static ImmutableArray<ElementItem> ReadExpressions(ref ByteReader reader, ReadOnlySpan<byte> moduleBytes, ModuleDraft draft)
    {
        int count = ReadItemCount(ref reader, draft);
        var items = ImmutableArray.CreateBuilder<ElementItem>(LimitedReads.Capacity(count));
        for (int i = 0; i < count && !reader.HasFailed; i++)
            items.Add(new ElementItem(0, reader.ReadConstantExpression(moduleBytes, draft.ReferencedFunctions)));
        return items.DrainToImmutable();
    }

    private static int ReadItemCount(ref ByteReader reader, ModuleDraft draft)
    {
        int count = reader.ReadCount(draft.Limits.ElementItems, already: draft.ElementItemCount);
        draft.ElementItemCount += count;
        return count;
    }
}
