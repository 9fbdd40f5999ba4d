// Which instruction of the module IR comes from, as LLVM's debug locations: the line of one is an offset in the module, its scope the
// function. Only what can trap or call has one, which keeps the IR of a big module small. Debug information changes no machine code. What LLVM makes of it, a line table and how frames are undone, becomes the
// code map of the image (Toolchain/Map).

using System.Globalization;
using System.Text;

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>The locations of one LLVM module.</summary>
internal sealed class Locations
{
    /// <summary>On calls that LLVM would join with others that do the same elsewhere.</summary>
    public const string Unmerged = "nomerge";

    /// <summary>
    /// The compilation unit: line tables and frames, nothing that describes types or variables. All functions have one empty type, for
    /// LLVM 19 crashes on a function without one when it takes unused parameters away.
    /// </summary>
    public const string Unit = """
        !llvm.dbg.cu = !{!50}
        !llvm.module.flags = !{!52, !53}
        !50 = distinct !DICompileUnit(language: DW_LANG_C, file: !51, isOptimized: true, emissionKind: DebugDirectivesOnly)
        !51 = !DIFile(filename: "guest", directory: "")
        !52 = !{i32 2, !"Debug Info Version", i32 3}
        !53 = !{i32 7, !"Dwarf Version", i32 4}
        !54 = !DISubroutineType(types: !55)
        !55 = !{null}

        """;

    private int _next = 60;

    /// <summary>Definitions of all functions so far.</summary>
    public StringBuilder Text { get; } = new();

    /// <summary>Adds a function; the number of its scope.</summary>
    public int AddFunction(string name)
    {
        Text.Append($"!{_next} = distinct !DISubprogram(name: \"{name}\", file: !51, type: !54, unit: !50, spFlags: DISPFlagDefinition | DISPFlagOptimized)\n");
        return _next++;
    }

    /// <summary>What an instruction ends with that comes from an offset in the module.</summary>
    public static string At(int offset, int scope) => string.Create(CultureInfo.InvariantCulture, $", !dbg !DILocation(line: {offset}, scope: !{scope})");
}
