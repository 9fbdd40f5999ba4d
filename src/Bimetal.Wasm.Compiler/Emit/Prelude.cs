// Routines that guest code calls and that every image brings along as far as it uses them: raising a trap, the runtime's operations
// (ContextHeader.Builtins) with guest signatures, and the bounds checks in front of native/guest/memory.c.

using System.Text;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler.Emit.Call;

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>The shared routines of an image.</summary>
internal sealed class Prelude
{
    public const string Raise = "raise";
    public const string MemoryCopy = "memory.copy";
    public const string MemoryFill = "memory.fill";

    /// <summary>A function record of zeros: what a null reference is copied from.</summary>
    public const string NullRecord = "null.record";

    private static readonly string[] FiveNumbers = ["i32", "i32", "i32", "i32", "i32"];

    private readonly SortedSet<Builtin> _used = [];
    private bool _usesBulkMemory;

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

        if (_usesBulkMemory) text.Append(BulkMemory());
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
    private static string BulkMemory()
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
            declare hidden void @bimetal_memory_set(ptr, i32, i64) #0
            define internal void @{{MemoryCopy}}(ptr %c, i32 %to, i32 %from, i32 %count) #0 {
              %mp = getelementptr i8, ptr %c, i64 {{ContextHeader.Memory}}
              %d = zext i32 %to to i64
              %s = zext i32 %from to i64
              %n = zext i32 %count to i64
              %x = call i64 @llvm.umax.i64(i64 %d, i64 %s)
              %e = add i64 %x, %n
            {{length}}
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
              %dp = getelementptr i8, ptr %mb, i64 %d
              call void @bimetal_memory_set(ptr %dp, i32 %byte, i64 %n)
              ret void
            }

            """;
    }
}
