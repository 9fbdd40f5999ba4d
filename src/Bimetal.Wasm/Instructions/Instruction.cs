// One decoded instruction: opcode row, offset and immediates. A flat struct that a reader fills again and again.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Instructions;

/// <summary>The type of a block: nothing, one result, or a function type of the module.</summary>
/// <param name="TypeIndex">Index of a function type, or -1.</param>
/// <param name="Result">The single result when <paramref name="TypeIndex"/> is -1; null when there is none.</param>
public readonly record struct BlockType(int TypeIndex, ValueType? Result);

/// <summary>An instruction with its immediates; only the fields that <see cref="OpcodeInfo.Immediate"/> names are meaningful.</summary>
public struct Instruction
{
    public OpcodeInfo Info;

    /// <summary>Byte offset of the opcode from the start of the module.</summary>
    public int Offset;

    public uint Index;

    public uint SecondIndex;

    public BlockType BlockType;

    public ValueType ReferenceType;

    /// <summary>Log2 of the alignment hint of a memory instruction.</summary>
    public uint Alignment;

    /// <summary>Constant offset of a memory instruction, in bytes.</summary>
    public uint MemoryOffset;

    public byte Lane;

    /// <summary>Bits of a constant: i32 sign-extended, floats as their bit pattern.</summary>
    public ulong Constant;

    public UInt128 Vector;

    /// <summary>Labels of <c>br_table</c>, the default last.</summary>
    public uint[] Labels;

    /// <summary>Result types of a typed <c>select</c>.</summary>
    public ValueType[] Types;

    public readonly Opcode Opcode => Info.Opcode;
}
