// Faults the specification's suite does not look at closely: where they are, and how a few instructions are read.

using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Tests;

public sealed class ModuleValidatorTests
{
    [Fact]
    public void Validate_TypeMismatch_CarriesOffsetAndInstruction()
    {
        // i32.const 0, i64.eqz, drop, end.
        byte[] bytes = ModuleBytes.WithBodies([0, 0x41, 0, 0x50, 0x1A, 0x0B]);
        var fault = Loading.FaultOf(bytes);
        Assert.Equal("type mismatch: expected i64, found i32 (in i64.eqz)", fault?.Message);
        Assert.Equal(Array.IndexOf(bytes, (byte)0x50), fault?.Offset);
    }

    [Fact]
    public void Validate_DuplicateExport_CarriesTheExportsOffset()
    {
        byte[] bytes = new ModuleBytes().Section(5, 1, 0, 1).Section(7, 2, 1, (byte)'m', 2, 0, 1, (byte)'m', 2, 0).ToArray();
        var fault = Loading.FaultOf(bytes);
        Assert.Equal("duplicate export name \"m\"", fault?.Message);
        Assert.Equal(bytes.Length - 4, fault?.Offset);
    }

    [Fact]
    public void Validate_OverlongTableIndexOfCallIndirect_IsLegal()
    {
        byte[] bytes = new ModuleBytes().Section(1, 1, 0x60, 0, 0).Section(3, 1, 0).Section(4, 1, 0x70, 0, 1)
            .Section(10, 1, 11, 0, 0x41, 0, 0x11, 0, 0x80, 0x80, 0x80, 0x80, 0x00, 0x0B).ToArray();
        Assert.Null(Loading.FaultOf(bytes));
    }

    [Theory]
    [InlineData(0x3F)]
    [InlineData(0x40)]
    public void Validate_OverlongReservedByte_IsRefused(byte opcode)
    {
        byte[] bytes = new ModuleBytes().Section(1, 1, 0x60, 0, 0).Section(3, 1, 0).Section(5, 1, 0, 1)
            .Section(10, 1, 8, 0, 0x41, 0, opcode, 0x80, 0x00, 0x1A, 0x0B).ToArray();
        Assert.Equal("zero byte expected", Loading.FaultOf(bytes)?.Message);
    }

    [Fact]
    public void Validate_BytesBehindABodysEnd_AreRefused() =>
        Assert.StartsWith("section size mismatch", Loading.FaultOf(ModuleBytes.WithBodies([0, 0x0B, 0x01]))?.Message);

    [Fact]
    public void Validate_ElseWithoutIf_IsRefused() =>
        Assert.StartsWith("misplaced ELSE opcode", Loading.FaultOf(ModuleBytes.WithBodies([0, 0x02, 0x40, 0x05, 0x0B, 0x0B]))?.Message);

    [Fact]
    public void Reader_EveryOpcodeOfTheTable_IsReadToItsEnd()
    {
        // Zero is a sound immediate for every kind.
        foreach (byte prefix in (byte[])[0, 0xFC, 0xFD])
        {
            for (uint number = 0; number < 256; number++)
            {
                if (OpcodeTable.Find(prefix, number) is not { } info) continue;
                byte[] opcode = prefix == 0 ? [(byte)number] : [prefix, .. ModuleBytes.Leb(number)];
                byte[] bytes = [.. opcode, .. Immediates(info)];
                var reader = new InstructionReader(bytes, 0, bytes.Length);
                var instruction = default(Instruction);
                Assert.Null(reader.Read(ref instruction));
                Assert.True(reader.IsAtEnd, info.Name);
                Assert.Same(info, instruction.Info);
            }
        }
    }

    private static byte[] Immediates(OpcodeInfo info) => info.Immediate switch
    {
        ImmediateKind.None => [],
        ImmediateKind.BlockType => [0x40],
        ImmediateKind.ReferenceType => [0x70],
        ImmediateKind.IndexPair or ImmediateKind.MemoryArgument => [0, 0],
        ImmediateKind.BranchTable => [1, 0, 0],
        ImmediateKind.TypeVector => [1, 0x7F],
        ImmediateKind.MemoryLane => [0, 0, 0],
        ImmediateKind.F32 => new byte[4],
        ImmediateKind.F64 => new byte[8],
        ImmediateKind.V128 => new byte[16],
        _ => [0],
    };
}
