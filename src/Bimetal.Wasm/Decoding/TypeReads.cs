// The types of functions, tables, memories and globals (core specification 5.3).

using System.Collections.Immutable;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Decoding;

internal static class TypeReads
{
    // 0x60, read as the signed number that it is.
    private const int FunctionForm = -0x20;

    internal static FunctionType ReadFunctionType(ref this ByteReader reader, DecodeLimits limits)
    {
        int offset = reader.Offset;
        if (reader.ReadSmallSigned(bitCount: 7) != FunctionForm) reader.Fail(offset, "malformed function type");
        var parameters = reader.ReadValueTypes(reader.ReadCount(limits.FunctionParameters));
        var results = reader.ReadValueTypes(reader.ReadCount(limits.FunctionResults));
        return new FunctionType(parameters, results);
    }

    internal static TableType ReadTableType(ref this ByteReader reader)
    {
        var elementType = reader.ReadReferenceType();
        return new TableType(elementType, reader.ReadSizeLimits());
    }

    internal static MemoryType ReadMemoryType(ref this ByteReader reader) => new(reader.ReadSizeLimits());

    internal static GlobalType ReadGlobalType(ref this ByteReader reader)
    {
        var valueType = reader.ReadValueType();
        int offset = reader.Offset;
        byte mutability = reader.ReadByte();
        if (mutability > 1) reader.Fail(offset, "malformed mutability");
        return new GlobalType(valueType, mutability == 1);
    }

    private static SizeLimits ReadSizeLimits(ref this ByteReader reader)
    {
        bool hasMaximum = reader.ReadSmallUnsigned(bitCount: 1) == 1;
        uint minimum = reader.ReadUInt32();
        return new SizeLimits(minimum, hasMaximum ? reader.ReadUInt32() : null);
    }

    private static ImmutableArray<ValueType> ReadValueTypes(ref this ByteReader reader, int count)
    {
        if (count == 0) return [];
        var types = ImmutableArray.CreateBuilder<ValueType>(LimitedReads.Capacity(count));
        for (int i = 0; i < count && !reader.HasFailed; i++) types.Add(reader.ReadValueType());
        return types.DrainToImmutable();
    }
}
