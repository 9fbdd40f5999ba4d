// Which parts of a memory were written since its last reset, as told by who writes: a byte for each granule, in front of the memory's base.
// Code that marks its writes sets the byte of the granule in which a write begins before it returns to the host; so do host functions.
// Resetting an instance then copies those granules back, and asks the kernel for nothing. After a guest was stopped early the marks do not count.
// A clone's sheets are closed (read-only) until somebody writes there, so marks need to be looked for in few of them (native/shim/sheets.c);
// the kernel does not count as somebody.

namespace Bimetal.Wasm.Abi;

/// <summary>Where the marks of a memory are. The numbers are those of native/shim/bimetal_shim.h.</summary>
public static class WriteMarks
{
    /// <summary>log2 of the bytes of a granule.</summary>
    public const int GranuleShift = 7;

    public const int GranuleBytes = 1 << GranuleShift;

    /// <summary>Granules in a page of 4 KiB.</summary>
    public const int GranulesInPage = 4096 / GranuleBytes;

    /// <summary>A mark also stands for writes that begin so many bytes behind the one that set it: fields of one structure.</summary>
    public const int ReachBytes = 48;

    /// <summary>Marks of everything that a 32-bit index and a 32-bit offset can reach; the first one lies so far below the memory's base.</summary>
    public const int SizeBytes = 8 << (30 - GranuleShift);

    /// <summary>log2 of the bytes of a sheet: of a clone's memory as much as becomes writable at once, when it is first written.</summary>
    public const int SheetShift = 14;

    /// <summary>
    /// Marks of a longer memory do not count. Writes are near each other if they are at the same 32-bit value plus constants that are near each
    /// other. One of them may wrap around where the other does not, but then it lies outside of a memory that ends a page before 4 GiB.
    /// </summary>
    public const ulong LongestMemoryBytes = (1UL << 32) - 65536;

    /// <summary>Set in the root's word on interruption (CodeImage.cs) when the code marks its writes.</summary>
    public const uint RootFlag = 0x100;
}
