// Routines that guest code calls and that every image brings along as far as it uses them: raising a trap, the runtime's operations
// (ContextHeader.Builtins) with guest signatures, and the bounds checks in front of native/guest/memory.c.

using System.Text;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler.Emit.Call;

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>The shared routines of an image.</summary>
/// <param name="marksWrites">Whether what is written to memory is marked (WriteMarks.cs).</param>
internal sealed class Prelude(bool marksWrites)
{
    public const string Raise = "raise";
    public const string MemoryCopy = "memory.copy";
    public const string MemoryFill = "memory.fill";
    public const string MarkRange = "mark.range";

    /// <summary>A function record of zeros: what a null reference is copied from.</summary>
    public const string NullRecord = "null.record";

    private static readonly string[] FiveNumbers = ["i32", "i32", "i32", "i32", "i32"];

    private readonly SortedSet<Builtin> _used = [];
    private bool _usesBulkMemory;
    private bool _usesRangeMarks;

    public static string NameOf(Builtin builtin) => builtin switch
    {
        Builtin.MemoryGrow => "memory.grow",
        Builtin.MemoryInit => "memory.init",
        Builtin.DataDrop => "data.drop",
        Builtin.TableGrow => "table.grow",
        Builtin.TableFill => "table.fill",
        Builtin.TableCopy => "table.copy",
        Builtin.TableInit => "table.init",
        _ => "elem.drop",
    };

    /// <summary>What leads from tail calls to code of the C convention. Unlike the routines, each is in the image once.</summary>
    public TailBridges Bridges { get; } = new();

    /// <summary>Makes an operation of the runtime part of the image.</summary>
    public void Use(Builtin builtin) => _used.Add(builtin);

    /// <summary>Makes memory.copy and memory.fill part of the image.</summary>
    public void UseBulkMemory() => _usesBulkMemory = true;

    /// <summary>Makes the marking of ranges part of the image.</summary>
    public void UseRangeMarks() => _usesRangeMarks = true;

    /// <summary>The definitions of all routines used. They are internal: each partition of an image has its own.</summary>
    public string Write()
    {
        var text = new StringBuilder();
        text.Append($$"""
            @{{NullRecord}} = internal unnamed_addr constant [{{FunctionRecordLayout.Size}} x i8] zeroinitializer, align 16
            define internal void @{{Raise}}(ptr %c, i32 %k) #2 {
              %p = getelementptr i8, ptr %c, i64 {{ContextHeader.Raise}}
              %f = load ptr, ptr %p, align 8, {{Metadata.Invariant}}
              call void %f(ptr %c, i32 %k)
              unreachable
            }

            """);
        foreach (var builtin in _used)
        {
            var (parameters, results) = Signature(builtin);
            HostCalls.Write(text, ("internal", NameOf(builtin)), parameters, results, ContextHeader.OffsetOf(builtin));
        }

        if (_usesBulkMemory || _usesRangeMarks) text.Append("declare hidden void @bimetal_memory_set(ptr, i32, i64) #0\n");
        if (_usesBulkMemory) text.Append(BulkMemory(marksWrites ? Marks() : ""));
        if (_usesRangeMarks) text.Append(RangeMarks());
        return text.ToString();
    }

    private static (string[] Parameters, string[] Results) Signature(Builtin builtin) => builtin switch
    {
        Builtin.MemoryGrow => (["i32", "i32"], ["i32"]),
        Builtin.DataDrop or Builtin.ElementDrop => (["i32"], []),
        Builtin.TableGrow => (["i32", "ptr", "i32"], ["i32"]),
        Builtin.TableFill => (["i32", "i32", "ptr", "i32"], []),
        _ => (FiveNumbers, []),
    };

    // Both ends are compared before the first write; in 64 bits no sum wraps. Small enough to be inlined: most copies are of a few bytes.
    private static string BulkMemory(string marks)
    {
        string length = $"""
              %m = load ptr, ptr %mp, align 8, {Metadata.Invariant}
              %lp = getelementptr i8, ptr %m, i64 {MemoryRecordLayout.LengthBytes}
              %l = load i64, ptr %lp, align 8, {Metadata.MemoryRecords}
              %ok = icmp ule i64 %e, %l
              br i1 %ok, label %inside, label %trap
            trap:
              call void @{Raise}(ptr %c, i32 {(int)TrapCode.MemoryOutOfBounds}) {Locations.Unmerged}
              unreachable
            inside:
              %mb = load ptr, ptr %c, align 8, {Metadata.Invariant}
            """;
        return $$"""
            declare hidden void @bimetal_memory_move(ptr, ptr, i64) #0
            define internal void @{{MemoryCopy}}(ptr %c, i32 %to, i32 %from, i32 %count) #0 {
              %mp = getelementptr i8, ptr %c, i64 {{ContextHeader.Memory}}
              %d = zext i32 %to to i64
              %s = zext i32 %from to i64
              %n = zext i32 %count to i64
              %x = call i64 @llvm.umax.i64(i64 %d, i64 %s)
              %e = add i64 %x, %n
            {{length}}
            {{marks}}
              %dp = getelementptr i8, ptr %mb, i64 %d
              %sp = getelementptr i8, ptr %mb, i64 %s
              call void @bimetal_memory_move(ptr %dp, ptr %sp, i64 %n)
              ret void
            }
            define internal void @{{MemoryFill}}(ptr %c, i32 %to, i32 %byte, i32 %count) #0 {
              %mp = getelementptr i8, ptr %c, i64 {{ContextHeader.Memory}}
              %d = zext i32 %to to i64
              %n = zext i32 %count to i64
              %e = add i64 %d, %n
            {{length}}
            {{marks}}
              %dp = getelementptr i8, ptr %mb, i64 %d
              call void @bimetal_memory_set(ptr %dp, i32 %byte, i64 %n)
              ret void
            }

            """;
    }

    // Nothing is marked where nothing is written: that place may be the memory's end.
    private static string Marks() => $"""
          %some = icmp ne i64 %n, 0
          br i1 %some, label %mark, label %marked
        mark:
          %end = add i64 %d, %n
          %last = sub i64 %end, 1
        {MarksUpTo("%d", "%last")}
        """;

    // In a memory of less than 2 GiB no address can have wrapped on its way without a trap (LoopStore.LongestStepBytes); in a greater one
    // everything is marked.
    private static string RangeMarks() => $$"""
        define internal void @{{MarkRange}}(ptr %c, i64 %d, i64 %last) #0 {
          %mp = getelementptr i8, ptr %c, i64 {{ContextHeader.Memory}}
          %m = load ptr, ptr %mp, align 8, {{Metadata.Invariant}}
          %lp = getelementptr i8, ptr %m, i64 {{MemoryRecordLayout.LengthBytes}}
          %l = load i64, ptr %lp, align 8, {{Metadata.MemoryRecords}}
          %mb = load ptr, ptr %c, align 8, {{Metadata.Invariant}}
          %far = icmp uge i64 %l, 2147483648
          %le = sub i64 %l, 1
          %from = select i1 %far, i64 0, i64 %d
          %to = select i1 %far, i64 %le, i64 %last
        {{MarksUpTo("%from", "%to")}}
          ret void
        }

        """;

    private static string MarksUpTo(string first, string last) => $"""
          %fg = lshr i64 {first}, {WriteMarks.GranuleShift}
          %lg = lshr i64 {last}, {WriteMarks.GranuleShift}
          %ms = getelementptr i8, ptr %mb, i64 {-WriteMarks.SizeBytes}
          %fm = getelementptr i8, ptr %ms, i64 %fg
          store i8 1, ptr %fm, align 1, {Metadata.WriteMarks}
          %lm = getelementptr i8, ptr %ms, i64 %lg
          store i8 1, ptr %lm, align 1, {Metadata.WriteMarks}
          %gs = sub i64 %lg, %fg
          %more = icmp ugt i64 %gs, 1
          br i1 %more, label %between, label %marked
        between:
          call void @bimetal_memory_set(ptr %fm, i32 1, i64 %gs)
          br label %marked
        marked:
        """;
}
