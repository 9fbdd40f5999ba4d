// Global variables: in the context itself, or for imported ones in the exporter's context behind a pointer (ContextLayout.cs).

using Bimetal.Wasm.Compiler.Emit.Numeric;
using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Control;

/// <summary>Emits global.get and global.set.</summary>
internal static class Globals
{
    public static void Get(FunctionBuilder function, uint index)
    {
        var type = function.Module.Module.GlobalTypes[(int)index];
        if (!type.IsMutable && TryConstant(function.Module, index, out var constant))
        {
            function.Push(constant);
            return;
        }

        var address = Address(function, index);
        string metadata = type.IsMutable ? Metadata.Globals : Metadata.Invariant;
        function.Push(function.Define(type.ValueType, $"load {LlvmTypes.Of(type.ValueType)}, ptr {address}, align 8, {metadata}"));
    }

    public static void Set(FunctionBuilder function, uint index)
    {
        var value = FloatConstants.Leaving(function, function.Pop());
        var address = Address(function, index);
        function.Line($"store {LlvmTypes.Of(value)} {value}, ptr {address}, align 8, {Metadata.Globals}");
    }

    private static Value Address(FunctionBuilder function, uint index)
    {
        int offset = function.Module.Layout.GlobalOffset(index);
        bool isImported = index < (uint)function.Module.Module.ImportedGlobalCount;
        return isImported ? function.ContextPointer(offset) : function.ContextAddress(offset);
    }

    // A constant global defined here by an integer constant needs no load.
    private static bool TryConstant(ModuleScope scope, uint index, out Value constant)
    {
        constant = default;
        int defined = (int)index - scope.Module.ImportedGlobalCount;
        if (defined < 0) return false;
        var initializer = scope.Module.Globals[defined].Initializer;
        var reader = new InstructionReader(scope.Module.Bytes.Span, initializer.Offset, initializer.Length);
        var first = default(Instruction);
        var second = default(Instruction);
        if (reader.Read(ref first) is not null || reader.Read(ref second) is not null || second.Opcode != Opcode.End) return false;
        if (first.Opcode is not (Opcode.I32Const or Opcode.I64Const)) return false;
        constant = Value.Integer(first.Opcode == Opcode.I32Const ? ValueType.I32 : ValueType.I64, (long)first.Constant);
        return true;
    }
}
