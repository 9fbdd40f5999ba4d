// The current size of memory 0, which memory.grow changes; its base never moves.

using Bimetal.Wasm.Abi;

namespace Bimetal.Wasm.Compiler.Emit.Memory;

/// <summary>Emits memory.size and memory.grow.</summary>
internal static class MemorySize
{
    /// <summary>Length of the memory in bytes, an i64.</summary>
    public static Value LengthBytes(FunctionBuilder function)
    {
        var record = function.ContextPointer(ContextHeader.Memory);
        var address = function.DefinePointer($"getelementptr i8, ptr {record}, i64 {MemoryRecordLayout.LengthBytes}");
        return function.Define(ValueType.I64, $"load i64, ptr {address}, align 8, {Metadata.MemoryRecords}");
    }

    public static void Size(FunctionBuilder function)
    {
        var length = LengthBytes(function);
        var pages = function.Define(ValueType.I64, $"lshr i64 {length}, 16");
        function.Push(function.Define(ValueType.I32, $"trunc i64 {pages} to i32"));
    }

    public static void Grow(FunctionBuilder function)
    {
        var delta = function.Pop();
        function.Module.Prelude.Use(Builtin.MemoryGrow);
        function.Push(function.Define(ValueType.I32, $"call i32 @{Prelude.NameOf(Builtin.MemoryGrow)}(ptr %c, i32 0, i32 {delta}){function.Place}"));
    }
}
