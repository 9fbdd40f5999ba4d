// Functions that lead out of guest code: `int host(context, u64* buffer)`. A nonzero result, or a trap that was asked for meanwhile
// (ContextHeader.Interrupt), is raised only here, when the host's frame is gone.

using System.Text;
using Bimetal.Wasm.Abi;

namespace Bimetal.Wasm.Compiler.Emit.Call;

/// <summary>Writes functions that call the host with a buffer.</summary>
internal static class HostCalls
{
    /// <summary>Writes one function of the guest's calling convention.</summary>
    /// <param name="text">Receives the definition.</param>
    /// <param name="header">Linkage and name, such as <c>hidden m0h1</c>.</param>
    /// <param name="parameters">LLVM types of the parameters after the context.</param>
    /// <param name="results">LLVM types of the results.</param>
    /// <param name="targetOffset">Where in the context the host function's address is.</param>
    public static void Write(StringBuilder text, (string Linkage, string Name) header, string[] parameters, string[] results, int targetOffset)
    {
        bool isInMemory = GuestSignature.ReturnsInMemory(results.Length);
        string returned = results.Length switch { 0 => "void", 1 => results[0], _ => isInMemory ? "void" : $"{{ {string.Join(", ", results)} }}" };
        string list = (isInMemory ? $", ptr {GuestSignature.ResultArea}" : "") + string.Concat(parameters.Select((type, index) => $", {type} %a{index}"));
        int slotCount = Math.Max(1, Math.Max(BufferSlots.Count(parameters), BufferSlots.Count(results)));
        text.Append($"define {header.Linkage} {returned} @{header.Name}(ptr %c{list}) #1 {{\n  %b = alloca [{slotCount} x i64], align 16\n");
        BufferSlots.Store(text, parameters, index => $"%a{index}");
        text.Append($"""
              %p = getelementptr i8, ptr %c, i64 {targetOffset}
              %f = load ptr, ptr %p, align 8, {Metadata.Invariant}
              %r = call i32 %f(ptr %c, ptr %b)
              %ip = getelementptr i8, ptr %c, i64 {ContextHeader.Interrupt}
              %i = load i32, ptr %ip, align 8, {Metadata.Header}
              %z = icmp eq i32 %r, 0
              %k = select i1 %z, i32 %i, i32 %r
              %ok = icmp eq i32 %k, 0
              br i1 %ok, label %done, label %trap
            trap:
              call void @{Prelude.Raise}(ptr %c, i32 %k)
              unreachable
            done:

            """);
        BufferSlots.Load(text, results, "v");
        if (isInMemory) BufferSlots.StoreResults(text, results, index => $"%v{index}");
        Return(text, isInMemory ? [] : results, returned);
        text.Append("}\n");
    }

    private static void Return(StringBuilder text, string[] results, string returned)
    {
        if (results.Length < 2)
        {
            text.Append(results.Length == 0 ? "  ret void\n" : $"  ret {returned} %v0\n");
            return;
        }

        string aggregate = "poison";
        for (int i = 0; i < results.Length; i++)
        {
            text.Append($"  %g{i} = insertvalue {returned} {aggregate}, {results[i]} %v{i}, {i}\n");
            aggregate = $"%g{i}";
        }

        text.Append($"  ret {returned} {aggregate}\n");
    }
}
