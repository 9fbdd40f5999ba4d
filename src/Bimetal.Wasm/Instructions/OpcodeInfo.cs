// What decoder, validator and emitter need to know of an opcode without knowing its meaning.

using System.Collections.Immutable;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Instructions;

/// <summary>The immediates that follow an opcode.</summary>
public enum ImmediateKind : byte
{
    None,

    /// <summary>One index (label, function, local, global, table, data, element, memory) in <see cref="Instruction.Index"/>.</summary>
    Index,

    /// <summary>Two indices in binary order in <see cref="Instruction.Index"/> and <see cref="Instruction.SecondIndex"/>.</summary>
    IndexPair,

    /// <summary>A block type in <see cref="Instruction.BlockType"/>.</summary>
    BlockType,

    /// <summary>Labels, the default last, in <see cref="Instruction.Labels"/>.</summary>
    BranchTable,

    /// <summary>Result types of <c>select</c> in <see cref="Instruction.Types"/>.</summary>
    TypeVector,

    /// <summary>A heap type in <see cref="Instruction.ReferenceType"/>.</summary>
    ReferenceType,

    /// <summary>Alignment exponent and offset.</summary>
    MemoryArgument,

    /// <summary>Alignment exponent, offset and a lane in <see cref="Instruction.Lane"/>.</summary>
    MemoryLane,

    /// <summary>A lane in <see cref="Instruction.Lane"/>.</summary>
    Lane,
    I32,
    I64,
    F32,
    F64,

    /// <summary>16 bytes in <see cref="Instruction.Vector"/>: a constant, or the lanes of a shuffle.</summary>
    V128,
}

/// <summary>One row of the opcode table.</summary>
public sealed class OpcodeInfo
{
    internal OpcodeInfo(Opcode opcode, string name, ImmediateKind immediate, string operands, string results, int naturalAlignment = -1)
    {
        Opcode = opcode;
        Name = name;
        Immediate = immediate;
        Operands = Parse(operands);
        Results = Parse(results);
        NaturalAlignment = naturalAlignment;
    }

    public Opcode Opcode { get; }

    /// <summary>The mnemonic of the text format, such as <c>i32.add</c>.</summary>
    public string Name { get; }

    public ImmediateKind Immediate { get; }

    /// <summary>Operand types from the bottom of the stack; empty for special instructions.</summary>
    public ImmutableArray<ValueType> Operands { get; }

    public ImmutableArray<ValueType> Results { get; }

    /// <summary>Log2 of the access size in bytes of a memory instruction, otherwise -1.</summary>
    public int NaturalAlignment { get; }

    /// <summary>Whether operands and results depend on immediates or the stack, so that the row's signature does not apply.</summary>
    public bool IsSpecial { get; private init; }

    internal static OpcodeInfo Special(Opcode opcode, string name, ImmediateKind immediate) => new(opcode, name, immediate, "", "") { IsSpecial = true };

    private static ImmutableArray<ValueType> Parse(string letters) => [.. letters.Select(letter => letter switch
    {
        'i' => ValueType.I32,
        'I' => ValueType.I64,
        'f' => ValueType.F32,
        'F' => ValueType.F64,
        _ => ValueType.V128,
    })];
}

/// <summary>The opcode table, indexed by opcode.</summary>
public static class OpcodeTable
{
    private static readonly OpcodeInfo?[] Single = Fill(ScalarOpcodes.Rows, 0x00);
    private static readonly OpcodeInfo?[] Miscellaneous = Fill(ScalarOpcodes.Rows, 0xFC);
    private static readonly OpcodeInfo?[] Simd = Fill(SimdOpcodes.Rows, 0xFD);

    /// <summary>The row of an opcode, or null when WebAssembly 2.0 has no such opcode.</summary>
    /// <param name="prefix">0 for a one-byte opcode, otherwise 0xFC or 0xFD.</param>
    /// <param name="number">The opcode byte, or the number after the prefix.</param>
    public static OpcodeInfo? Find(byte prefix, uint number)
    {
        var rows = prefix switch { 0 => Single, 0xFC => Miscellaneous, 0xFD => Simd, _ => [] };
        return number < (uint)rows.Length ? rows[number] : null;
    }

    private static OpcodeInfo?[] Fill(OpcodeInfo[] rows, int prefix)
    {
        var table = new OpcodeInfo?[256];
        foreach (var row in rows)
        {
            if ((int)row.Opcode >> 8 == prefix) table[(int)row.Opcode & 0xFF] = row;
        }

        return table;
    }
}
