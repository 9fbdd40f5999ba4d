// Reads instructions one after the other with all their immediates (core specification 5.4). Used by the validator, the decoder
// (ends of constant expressions) and the emitter, so that there is one reading of the binary format.

using Bimetal.Wasm.Decoding;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Instructions;

/// <summary>A cursor over the instructions of a function body or a constant expression.</summary>
public ref struct InstructionReader
{
    private const byte MiscellaneousPrefix = 0xFC;
    private const byte SimdPrefix = 0xFD;
    private const uint AlignmentExponents = 32;

    private ByteReader _reader;

    /// <param name="moduleBytes">The whole module.</param>
    /// <param name="offset">Offset of the first instruction in the module.</param>
    /// <param name="length">Bytes of the instructions.</param>
    public InstructionReader(ReadOnlySpan<byte> moduleBytes, int offset, int length) => _reader = new ByteReader(moduleBytes, offset, length);

    /// <summary>Offset of the next instruction from the start of the module.</summary>
    public readonly int Offset => _reader.Offset;

    public readonly bool IsAtEnd => _reader.IsAtEnd;

    /// <summary>Reads the next instruction. Fields which its opcode has no immediate for keep what they held.</summary>
    /// <returns>Null, or what is malformed; then the reader is of no further use.</returns>
    public WasmError? Read(ref Instruction instruction)
    {
        instruction.Offset = _reader.Offset;
        var info = ReadOpcode(instruction.Offset);
        if (info is null) return _reader.Error;
        instruction.Info = info;
        if (info.Immediate != ImmediateKind.None) ReadImmediate(ref instruction);
        return _reader.Error;
    }

    private OpcodeInfo? ReadOpcode(int offset)
    {
        byte first = _reader.ReadByte();
        if (_reader.HasFailed) return null;
        if (first is not (MiscellaneousPrefix or SimdPrefix))
        {
            var row = OpcodeTable.Find(0, first);
            if (row is null) _reader.Fail(offset, $"illegal opcode 0x{first:x2}");
            return row;
        }

        uint number = _reader.ReadUInt32();
        if (_reader.HasFailed) return null;
        var prefixed = OpcodeTable.Find(first, number);
        if (prefixed is null) _reader.Fail(offset, $"illegal opcode 0x{first:x2} 0x{number:x2}");
        return prefixed;
    }

    private void ReadImmediate(ref Instruction instruction)
    {
        switch (instruction.Info.Immediate)
        {
            case ImmediateKind.Index: ReadIndex(ref instruction); break;
            case ImmediateKind.IndexPair: ReadIndexPair(ref instruction); break;
            case ImmediateKind.BlockType: instruction.BlockType = ReadBlockType(); break;
            case ImmediateKind.BranchTable: instruction.Labels = ReadLabels(); break;
            case ImmediateKind.TypeVector: instruction.Types = ReadTypes(); break;
            case ImmediateKind.ReferenceType: instruction.ReferenceType = _reader.ReadReferenceType(); break;
            case ImmediateKind.MemoryArgument: ReadMemoryArgument(ref instruction); break;
            case ImmediateKind.MemoryLane:
                ReadMemoryArgument(ref instruction);
                instruction.Lane = _reader.ReadByte();
                break;
            case ImmediateKind.Lane: instruction.Lane = _reader.ReadByte(); break;
            case ImmediateKind.I32: instruction.Constant = (ulong)(long)_reader.ReadInt32(); break;
            case ImmediateKind.I64: instruction.Constant = (ulong)_reader.ReadInt64(); break;
            case ImmediateKind.F32: instruction.Constant = _reader.ReadFixed32(); break;
            case ImmediateKind.F64: instruction.Constant = _reader.ReadFixed64(); break;
            case ImmediateKind.V128: instruction.Vector = _reader.ReadFixed128(); break;
        }
    }

    // WebAssembly 2.0 has one memory; its index is a reserved byte, not a LEB128 number.
    private void ReadIndex(ref Instruction instruction)
    {
        if (instruction.Opcode is Opcode.MemorySize or Opcode.MemoryGrow or Opcode.MemoryFill)
        {
            _reader.ReadZeroByte();
            instruction.Index = 0;
        }
        else
        {
            instruction.Index = _reader.ReadUInt32();
        }
    }

    private void ReadIndexPair(ref Instruction instruction)
    {
        bool firstIsMemory = instruction.Opcode == Opcode.MemoryCopy;
        bool secondIsMemory = instruction.Opcode is Opcode.MemoryCopy or Opcode.MemoryInit;
        instruction.Index = firstIsMemory ? ReadReservedIndex() : _reader.ReadUInt32();
        instruction.SecondIndex = secondIsMemory ? ReadReservedIndex() : _reader.ReadUInt32();
    }

    private uint ReadReservedIndex()
    {
        _reader.ReadZeroByte();
        return 0;
    }

    // 0x40, a value type, or a type index as a positive number of 33 bits (so that the three cannot be confused).
    private BlockType ReadBlockType()
    {
        int offset = _reader.Offset;
        int first = _reader.PeekByte();
        if (first == 0x40)
        {
            _reader.Skip(1);
            return new BlockType(-1, null);
        }

        if ((first & 0xC0) == 0x40) return new BlockType(-1, _reader.ReadValueType());
        long index = _reader.ReadInt33();
        if (index < 0) _reader.Fail(offset, Malformed.BlockType);

        // No module has so many types: an index beyond int is as unknown as the greatest one.
        return new BlockType((int)Math.Clamp(index, 0, int.MaxValue), null);
    }

    private uint[] ReadLabels()
    {
        int count = _reader.ReadCount();
        if (_reader.HasFailed) return [];
        uint[] labels = new uint[count + 1];
        for (int i = 0; i < labels.Length && !_reader.HasFailed; i++) labels[i] = _reader.ReadUInt32();
        return labels;
    }

    private ValueType[] ReadTypes()
    {
        int count = _reader.ReadCount();
        if (_reader.HasFailed) return [];
        var types = new ValueType[count];
        for (int i = 0; i < types.Length && !_reader.HasFailed; i++) types[i] = _reader.ReadValueType();
        return types;
    }

    private void ReadMemoryArgument(ref Instruction instruction)
    {
        int offset = _reader.Offset;
        instruction.Alignment = _reader.ReadUInt32();
        if (instruction.Alignment >= AlignmentExponents) _reader.Fail(offset, Malformed.MemoryArgument);
        instruction.MemoryOffset = _reader.ReadUInt32();
    }
}
