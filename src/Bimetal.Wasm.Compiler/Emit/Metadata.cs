// Metadata that the IR carries: which memory can alias which (TBAA), and what never changes. A wrong tag here is a miscompilation.
//
// Linear memory, the context's changeable fields, globals, memory records, tables, function records and areas for results never
// overlap, whoever's they are: two instances may share a global, a memory or a table, but never as something else. So types are told apart and
// contexts are not: `noalias` on the context parameter would be wrong, for another instance can reach an exported global.

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>Spellings of metadata attachments, and their definitions.</summary>
internal static class Metadata
{
    /// <summary>On loads of what is fixed once an instance is linked: its addresses, records of its imports, constant globals.</summary>
    public const string Invariant = "!invariant.load !0";

    public const string StackPointerRegister = "!1";
    public const string LinearMemory = "!tbaa !4";
    public const string Header = "!tbaa !6";
    public const string Globals = "!tbaa !8";
    public const string MemoryRecords = "!tbaa !10";
    public const string Tables = "!tbaa !12";
    public const string FunctionRecords = "!tbaa !14";
    public const string Results = "!tbaa !16";
    public const string WriteMarks = "!tbaa !18";

    /// <summary>The definitions; the stack pointer's name depends on the target.</summary>
    public static string Definitions(TargetPlatform target) => $$"""
        !0 = !{}
        !1 = !{!"{{(target == TargetPlatform.LinuxArm64 ? "sp" : "rsp")}}"}
        !2 = !{!"bimetal"}
        !3 = !{!"linear memory", !2}
        !4 = !{!3, !3, i64 0}
        !5 = !{!"context header", !2}
        !6 = !{!5, !5, i64 0}
        !7 = !{!"global", !2}
        !8 = !{!7, !7, i64 0}
        !9 = !{!"memory record", !2}
        !10 = !{!9, !9, i64 0}
        !11 = !{!"table", !2}
        !12 = !{!11, !11, i64 0}
        !13 = !{!"function record", !2}
        !14 = !{!13, !13, i64 0}
        !15 = !{!"results", !2}
        !16 = !{!15, !15, i64 0}
        !17 = !{!"write mark", !2}
        !18 = !{!17, !17, i64 0}
        !48 = !{i32 8, !"PIC Level", i32 2}
        !llvm.module.flags = !{!48}

        """;
}
