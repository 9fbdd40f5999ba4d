// What stands behind the segments of a code image: for each function of the machine code whose it is, how its frame is undone, and which
// instruction of the module its code comes from. Nothing of it is read before a guest traps or a profiler asks.
//
//   map       u32 magic, u32 functionCount, u32 lengthBytes, u32 reserved, function[functionCount] by ascending start, bytes
//   function  u32 start (address in the image), u32 lengthBytes, u32 owner (kind << 24 | ordinal of the module), u32 index,
//             u32 frames, u32 lines (offsets in the map, 0 for none)
//   frames    unsigned LEB128 each: rowCount, then per row the bytes of code since the row before it, cfaOffset << 2 | base,
//             frame pointer slot, return address slot. The canonical frame address (CFA, the caller's stack pointer) is base + offset,
//             base being 0 the stack pointer, 1 the frame pointer, 2 unknown; a slot counts words of 8 bytes below the CFA,
//             0 meaning that the value is still in its register
//   lines     unsigned LEB128: rowCount, then per row the bytes of code since the row before it and, zigzag, the difference to the
//             offset in the module of the row before it
//   trailer   the last 16 bytes of the file: u64 file offset of the map (page aligned), u32 lengthBytes, u32 magic

namespace Bimetal.Wasm.Abi;

/// <summary>What a function of machine code is; the numbers are those of native/shim/trace.c.</summary>
public enum CodeKind
{
    /// <summary>A function that the module defines.</summary>
    Function = 0,

    /// <summary>The way to an imported function of the host.</summary>
    Import = 1,

    /// <summary>Trampolines, wrappers and shared routines.</summary>
    Routine = 2,
}

/// <summary>Constants of a code map.</summary>
public static class CodeMap
{
    /// <summary>"BMAP" in little-endian order.</summary>
    public const uint Magic = 0x5041_4D42;

    public const int HeaderSize = 16;

    public const int FunctionSize = 24;

    public const int TrailerSize = 16;

    public const int KindShift = 24;

    /// <summary>Alignment of the map in the file, which is mapped: the largest page of any target.</summary>
    public const int AlignmentX64 = 4096;

    public const int AlignmentArm64 = 65536;
}
