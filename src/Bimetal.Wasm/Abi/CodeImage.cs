// The compiled form: one ELF shared object without relocations, imports or initialisers, holding the code of one or more modules.
// Its e_entry is the address of the root below; every offset in it counts from the root's own address. The runtime maps the
// segments itself, so no dynamic linker is involved.
//
//   root    u32 magic, u32 abiVersion, u32 moduleCount, u32 interrupt (InterruptMode.cs, with the flags), i32 module[moduleCount]
//   module  u32 functionCount, u32 typeCount, u32 importCount, u32 tailCount (0 or functionCount),
//           i32 function[functionCount], i32 entry[typeCount], i32 thunk[importCount], i32 tail[tailCount]
//
//   function  a function defined in the module: `results f(context, parameters…)`, C calling convention;
//             i32, i64, float, double, <2 x i64> for v128, ptr for references; two results as a first-class struct, more of them
//             in memory whose address stands behind the context, each where a buffer would have it but not widened; offset 0 if
//             nothing outside of the module's own code can reach it (neither in ReferencedFunctions nor the start function)
//   entry     per function type: `void entry(context, code, u64* buffer)` loads arguments from the buffer (one slot each, two for
//             v128), calls `code`, stores the results from slot 0 on
//   thunk     per imported function: a function of its type which calls the host function in the context's host function slot:
//             `int host(context, u64* buffer)`; a nonzero result, or a nonzero Interrupt field afterwards, is raised as a trap
//   tail      the entry for tail calls of the function of the same number: as above in LLVM's convention tailcc, a v128 that is the ninth
//             float, double or v128 or a later one as [2 x i64]; 0 if it has none

namespace Bimetal.Wasm.Abi;

/// <summary>Constants of the root of a code image.</summary>
public static class CodeImage
{
    /// <summary>"BIM1" in little-endian order.</summary>
    public const uint Magic = 0x314D_4942;

    public const int RootHeaderSize = 16;

    public const int ModuleHeaderSize = 16;

    /// <summary>Set in the root's word on interruption when the code compares each index with the memory's length, and so needs no guard pages.</summary>
    public const uint ExplicitBoundsFlag = 0x200;

    /// <summary>All flags in that word.</summary>
    public const uint Flags = WriteMarks.RootFlag | ExplicitBoundsFlag;
}
