// Single instructions as bytes.

using Bimetal.Fuzz.Model;
using Bimetal.Wasm.Instructions;

namespace Bimetal.Fuzz.Generator;

internal static class Code
{
    internal static readonly byte[] Empty = [];

    internal static byte[] Of(Opcode opcode) => Start(opcode).ToArray();

    internal static byte[] Of(Opcode opcode, int index) => Start(opcode).Unsigned((uint)index).ToArray();

    internal static byte[] Of(Opcode opcode, int first, int second) => Start(opcode).Unsigned((uint)first).Unsigned((uint)second).ToArray();

    internal static byte[] I32(int value) => Start(Opcode.I32Const).Signed(value).ToArray();

    internal static byte[] I64(long value) => Start(Opcode.I64Const).Signed(value).ToArray();

    internal static byte[] F32(uint bits) => Start(Opcode.F32Const).Bytes(BitConverter.GetBytes(bits)).ToArray();

    internal static byte[] F64(ulong bits) => Start(Opcode.F64Const).Bytes(BitConverter.GetBytes(bits)).ToArray();

    internal static byte[] V128(ulong low, ulong high) =>
        Start(Opcode.V128Const).Bytes(BitConverter.GetBytes(low)).Bytes(BitConverter.GetBytes(high)).ToArray();

    internal static byte[] Null(ValueType type) => Start(Opcode.RefNull).Type(type).ToArray();

    internal static byte[] Memory(Opcode opcode, int alignment, uint offset) => Start(opcode).Unsigned((uint)alignment).Unsigned(offset).ToArray();

    internal static byte[] TypedSelect(ValueType type) => Start(Opcode.SelectTyped).Unsigned(1).Type(type).ToArray();

    internal static byte[] BranchTable(IReadOnlyList<int> labels, int otherwise)
    {
        var code = Start(Opcode.BrTable).Vector(labels, (writer, label) => writer.Unsigned((uint)label));
        return code.Unsigned((uint)otherwise).ToArray();
    }

    /// <summary>The head of a block without parameters and with at most one result.</summary>
    internal static byte[] Block(Opcode opcode, ValueType? result = null) => Start(opcode).Byte(result is { } type ? (byte)type : (byte)0x40).ToArray();

    /// <summary>The head of a block of a function type.</summary>
    internal static byte[] TypedBlock(Opcode opcode, uint typeIndex) => Start(opcode).Signed(typeIndex).ToArray();

    internal static WasmWriter Start(Opcode opcode)
    {
        int prefix = (int)opcode >> 8;
        return prefix == 0 ? new WasmWriter().Byte((byte)opcode) : new WasmWriter().Byte((byte)prefix).Unsigned((uint)opcode & 0xFF);
    }

    /// <summary>The simplest value of a type.</summary>
    internal static byte[] Zero(ValueType type) => type switch
    {
        ValueType.I32 => I32(0),
        ValueType.I64 => I64(0),
        ValueType.F32 => F32(0),
        ValueType.F64 => F64(0),
        ValueType.V128 => V128(0, 0),
        _ => Null(type),
    };
}
