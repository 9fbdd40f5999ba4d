// Which instruction of the module IR comes from, as LLVM's debug locations: the line of one is an offset in the module, its scope the
// function. Debug information changes no machine code. What LLVM makes of it, a line table and how frames are undone, becomes the
// code map of the image (Toolchain/Map).

using System.Text;
using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>The locations of one LLVM module.</summary>
internal sealed class Locations
{
    /// <summary>On calls that LLVM would join with others that do the same elsewhere.</summary>
    public const string Unmerged = "nomerge";

    /// <summary>The compilation unit: line tables and frames, nothing that describes types or variables.</summary>
    public const string Unit = """
        !llvm.dbg.cu = !{!50}
        !llvm.module.flags = !{!52, !53}
        !50 = distinct !DICompileUnit(language: DW_LANG_C, file: !51, isOptimized: true, emissionKind: DebugDirectivesOnly)
        !51 = !DIFile(filename: "guest", directory: "")
        !52 = !{i32 2, !"Debug Info Version", i32 3}
        !53 = !{i32 7, !"Dwarf Version", i32 4}

        """;

    private int _next = 60;

    /// <summary>Definitions of all locations so far.</summary>
    public StringBuilder Text { get; } = new();

    /// <summary>Adds a function; the number of its scope.</summary>
    public int AddFunction(string name)
    {
        Text.Append($"!{_next} = distinct !DISubprogram(name: \"{name}\", file: !51, unit: !50, spFlags: DISPFlagDefinition | DISPFlagOptimized)\n");
        return _next++;
    }

    /// <summary>Adds a place in a function; its number.</summary>
    public int Add(int offset, int scope)
    {
        Text.Append($"!{_next} = !DILocation(line: {offset}, scope: !{scope})\n");
        return _next++;
    }

    /// <summary>
    /// Whether an instruction can trap or call. Those in between count as part of the last such one: x86 folds a load into the
    /// instruction that uses its value, whose location is then what the load's fault is found by.
    /// </summary>
    public static bool IsPlace(Opcode opcode) => (int)opcode switch
    {
        0x00 or 0x10 or 0x11 or 0x12 or 0x13 => true,     // unreachable, calls
        0x25 or 0x26 => true,                             // table.get, table.set
        >= 0x28 and <= 0x40 => true,                      // memory
        >= 0x6D and <= 0x70 or >= 0x7F and <= 0x82 => true,    // division
        >= 0xA8 and <= 0xAB or >= 0xAE and <= 0xB1 => true,    // trapping truncation
        >= 0xFC08 and <= 0xFC11 => true,                  // bulk operations
        >= 0xFD00 and <= 0xFD0B or >= 0xFD54 and <= 0xFD5D => true,    // vector loads and stores
        _ => false,
    };
}
