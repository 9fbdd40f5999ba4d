// .debug_frame: how the frame of a function is undone at each of its instructions (DWARF 4, section 6.4). Only what a backtrace
// needs: the canonical frame address, and where frame pointer and return address were saved.

namespace Bimetal.Wasm.Compiler.Toolchain.Map;

/// <summary>From this address on, the frame is undone so. Slots as in CodeMap.cs.</summary>
internal readonly record struct FrameRow(ulong Address, FrameBase Base, uint CfaOffset, uint FramePointerSlot, uint ReturnAddressSlot);

/// <summary>What the canonical frame address is counted from.</summary>
internal enum FrameBase : uint
{
    StackPointer = 0,
    FramePointer = 1,
    Unknown = 2,
}

/// <summary>DWARF numbers of the registers that matter.</summary>
internal readonly record struct FrameRegisters(uint StackPointer, uint FramePointer, uint ReturnAddress)
{
    public static FrameRegisters Of(TargetPlatform target) => target == TargetPlatform.LinuxArm64 ? new(31, 29, 30) : new(7, 6, 16);
}

/// <summary>Runs call frame programs.</summary>
internal sealed class FrameTable
{
    private const uint CommonEntry = 0xFFFF_FFFF;
    private const int MaximumRemembered = 16;

    private readonly FrameRegisters _registers;
    private readonly Stack<FrameRow> _remembered = new();
    private FrameRow _row;
    private FrameRow _initial;
    private ulong _codeAlignment;
    private long _dataAlignment;

    private FrameTable(FrameRegisters registers) => _registers = registers;

    /// <summary>The rows of each function by its start; the address of the first row is the start.</summary>
    public static Dictionary<ulong, List<FrameRow>> Read(ReadOnlySpan<byte> section, TargetPlatform target)
    {
        var functions = new Dictionary<ulong, List<FrameRow>>();
        var common = new Dictionary<uint, (int Position, int Length)>();
        var reader = new DwarfReader(section);
        while (!reader.IsAtEnd)
        {
            uint at = (uint)reader.Position;
            int length = (int)reader.U32(), position = reader.Position;
            var entry = reader.Part(length);
            uint owner = entry.U32();
            if (owner == CommonEntry)
            {
                common.Add(at, (position, length));
                continue;
            }

            var table = new FrameTable(FrameRegisters.Of(target));
            table.ReadCommon(section.Slice(common[owner].Position, common[owner].Length));
            ulong start = entry.U64();
            entry.U64();    // its length, which the symbol tells as well
            var rows = table.Run(ref entry, start);
            // Of functions that the linker dropped or that a debug section names twice, the first stands.
            functions.TryAdd(start, rows);
        }

        return functions;
    }

    private void ReadCommon(ReadOnlySpan<byte> bytes)
    {
        var entry = new DwarfReader(bytes);
        entry.U32();
        byte version = entry.U8();
        entry.SkipText();
        if (version >= 4) _ = entry.U8() + entry.U8();    // sizes of addresses and segments
        _codeAlignment = entry.Unsigned();
        _dataAlignment = entry.Signed();
        if (version == 1) entry.U8();
        else entry.Unsigned();
        Run(ref entry, 0);
        _initial = _row;
    }

    private List<FrameRow> Run(ref DwarfReader program, ulong start)
    {
        var rows = new List<FrameRow>();
        _row = _row with { Address = start };
        while (!program.IsAtEnd)
        {
            byte opcode = program.U8();
            var before = _row;
            Step(ref program, opcode);
            if (_row.Address != before.Address) rows.Add(before);
        }

        rows.Add(_row);
        return rows;
    }

    private void Step(ref DwarfReader program, byte opcode)
    {
        uint operand = opcode & 0x3Fu;
        switch (opcode >> 6)
        {
            case 1: Advance(operand); return;
            case 2: Save(operand, (long)program.Unsigned() * _dataAlignment); return;
            case 3: Restore(operand); return;
        }

        switch (opcode)
        {
            case 0x00: break;
            case 0x02: Advance(program.U8()); break;
            case 0x03: Advance(program.U16()); break;
            case 0x04: Advance(program.U32()); break;
            case 0x05: Save((uint)program.Unsigned(), (long)program.Unsigned() * _dataAlignment); break;
            case 0x06 or 0x08: Restore((uint)program.Unsigned()); break;
            case 0x07: program.Unsigned(); break;
            case 0x0A: Remember(); break;
            case 0x0B: _row = _remembered.Pop() with { Address = _row.Address }; break;
            case 0x0C: DefineFrame((uint)program.Unsigned(), program.Unsigned()); break;
            case 0x0D: _row = _row with { Base = BaseOf((uint)program.Unsigned()) }; break;
            case 0x0E: _row = _row with { CfaOffset = (uint)program.Unsigned() }; break;
            case 0x0F: SkipBlock(ref program); _row = _row with { Base = FrameBase.Unknown }; break;
            case 0x10 or 0x16: program.Unsigned(); SkipBlock(ref program); break;
            case 0x11: Save((uint)program.Unsigned(), program.Signed() * _dataAlignment); break;
            case 0x2D: break;    // arm64's signed return addresses, which are not asked for
            case 0x2E: program.Unsigned(); break;
            default: throw new ToolchainException($"LLVM wrote a call frame instruction 0x{opcode:x2} that is not known here.");
        }
    }

    private void Advance(uint delta) => _row = _row with { Address = _row.Address + (delta * _codeAlignment) };

    private void Save(uint register, long offset)
    {
        uint slot = (uint)(-offset / 8);
        if (register == _registers.FramePointer) _row = _row with { FramePointerSlot = slot };
        if (register == _registers.ReturnAddress) _row = _row with { ReturnAddressSlot = slot };
    }

    private void Restore(uint register)
    {
        if (register == _registers.FramePointer) _row = _row with { FramePointerSlot = _initial.FramePointerSlot };
        if (register == _registers.ReturnAddress) _row = _row with { ReturnAddressSlot = _initial.ReturnAddressSlot };
    }

    private void Remember()
    {
        if (_remembered.Count < MaximumRemembered) _remembered.Push(_row);
        else throw new ToolchainException("LLVM wrote deeper call frame states than are known here.");
    }

    private void DefineFrame(uint register, ulong offset) => _row = _row with { Base = BaseOf(register), CfaOffset = (uint)offset };

    private FrameBase BaseOf(uint register)
    {
        if (register == _registers.StackPointer) return FrameBase.StackPointer;
        return register == _registers.FramePointer ? FrameBase.FramePointer : FrameBase.Unknown;
    }

    private static void SkipBlock(ref DwarfReader program) => program.Part((int)program.Unsigned());
}
