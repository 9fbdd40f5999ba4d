// What must hold of every image before it is cached or run: it refers to nothing outside of itself, and nothing in it runs, is
// written or is resolved when it is loaded. Then one file serves glibc and musl, every fault in guest code has its program counter
// in the image, and no guest is ever abandoned inside the dynamic linker's lock.

using Bimetal.Wasm.Abi;

namespace Bimetal.Wasm.Compiler.Toolchain;

/// <summary>The assertions on linked images.</summary>
internal static class ImageAssertions
{
    private const ushort SharedObject = 3;
    private const ushort MachineX64 = 62;
    private const ushort MachineArm64 = 183;

    private const ulong TagHash = 4;
    private const ulong PageBytes = 4096;

    // Everything else (needed libraries, relocations, PLT, GOT, initialisers, text relocations, …) is refused by name or number.
    private static readonly Dictionary<ulong, string> AllowedTags = new()
    {
        [TagHash] = "HASH",
        [5] = "STRTAB",
        [6] = "SYMTAB",
        [10] = "STRSZ",
        [11] = "SYMENT",
    };

    private static readonly Dictionary<ulong, string> KnownTags = new()
    {
        [1] = "NEEDED",
        [3] = "PLTGOT",
        [7] = "RELA",
        [12] = "INIT",
        [13] = "FINI",
        [17] = "REL",
        [22] = "TEXTREL",
        [23] = "JMPREL",
        [25] = "INIT_ARRAY",
        [26] = "FINI_ARRAY",
        [32] = "PREINIT_ARRAY",
        [36] = "RELR",
    };

    /// <summary>Everything that is wrong with an image; empty when it may be run.</summary>
    public static IReadOnlyList<string> Problems(ReadOnlyMemory<byte> bytes, TargetPlatform target, int moduleCount)
    {
        var elf = ElfImage.TryRead(bytes);
        if (elf is null) return ["it is not a readable 64-bit ELF file"];
        var problems = new List<string>();
        if (elf.Type != SharedObject) problems.Add($"its type is {elf.Type} instead of a shared object");
        if (elf.Machine != (target == TargetPlatform.LinuxArm64 ? MachineArm64 : MachineX64)) problems.Add($"its machine is {elf.Machine}");
        CheckSegments(elf, problems);
        foreach (var (tag, _) in elf.DynamicEntries.Where(entry => !AllowedTags.ContainsKey(entry.Tag)))
        {
            problems.Add($"its dynamic section has the entry {KnownTags.GetValueOrDefault(tag, $"0x{tag:x}")}");
        }

        CheckSymbols(elf, problems);
        CheckRoot(elf, moduleCount, problems);
        return problems;
    }

    private static void CheckSegments(ElfImage elf, List<string> problems)
    {
        ulong end = 0;
        foreach (var segment in elf.Segments)
        {
            if (segment.Type == ElfSegment.Interpreter) problems.Add("it asks for an interpreter");
            if (segment.Type == ElfSegment.ThreadLocal) problems.Add("it has thread-local storage");
            if (segment.Type != ElfSegment.Load) continue;
            if (segment.IsWritable) problems.Add(segment.IsExecutable ? "a segment is writable and executable" : "a segment is writable");
            if (segment.MemorySize != segment.FileSize) problems.Add("a segment is larger in memory than in the file");
            if (segment.Offset % PageBytes != segment.Address % PageBytes) problems.Add("a segment is not aligned like its file offset");
            if (segment.Address < end) problems.Add("its segments overlap or are out of order");
            end = (segment.Address + segment.MemorySize + PageBytes - 1) & ~(PageBytes - 1);
        }
    }

    // The hash table's chain has one entry for each dynamic symbol; the first symbol is always the null symbol.
    private static void CheckSymbols(ElfImage elf, List<string> problems)
    {
        foreach (var (tag, address) in elf.DynamicEntries)
        {
            if (tag != TagHash) continue;
            if (elf.OffsetOf(address, 8) is not { } hash) problems.Add("its symbol hash table is outside of its segments");
            else if (elf.U32(hash + 4) > 1) problems.Add($"it has {elf.U32(hash + 4) - 1} dynamic symbols: something is undefined or exported");
        }
    }

    private static void CheckRoot(ElfImage elf, int moduleCount, List<string> problems)
    {
        var home = elf.Segments.FirstOrDefault(segment => segment.Type == ElfSegment.Load && elf.Entry >= segment.Address && elf.Entry - segment.Address < segment.FileSize);
        if (home == default || home.IsExecutable || home.IsWritable) problems.Add("its entry point is not in a read-only segment");
        if (elf.OffsetOf(elf.Entry, CodeImage.RootHeaderSize) is not { } root) return;
        if (elf.U32(root) != CodeImage.Magic || elf.U32(root + 4) != AbiVersion.Current) problems.Add("its entry point is not a root of this ABI version");
        else if (elf.U32(root + 8) != (uint)moduleCount) problems.Add($"its root has {elf.U32(root + 8)} modules instead of {moduleCount}");
    }
}
