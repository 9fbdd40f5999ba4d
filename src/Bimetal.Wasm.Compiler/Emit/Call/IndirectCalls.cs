// call_indirect (core specification 4.4.8): the element must exist, must not be null, and must have the expected type; each failure
// has a trap of its own. Types are compared by their process-wide number, which no null element has.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler.Emit.Numeric;
using Bimetal.Wasm.Compiler.Emit.Table;

namespace Bimetal.Wasm.Compiler.Emit.Call;

/// <summary>A table's element that may be called, and the type numbers that were compared for it.</summary>
internal readonly record struct CheckedCallee(Value Element, Value Code, Value Context, Value FoundType, Value ExpectedType);

/// <summary>Emits <c>call_indirect</c>.</summary>
internal static class IndirectCalls
{
    public static void Emit(FunctionBuilder function, uint typeIndex, uint table)
    {
        var callee = Check(function, typeIndex, table);
        Calls.Emit(function, function.Module.Module.Types[(int)typeIndex], callee.Code, callee.Context);
    }

    /// <summary>Takes the index from the stack and finds what it stands for; what must not be called traps.</summary>
    public static CheckedCallee Check(FunctionBuilder function, uint typeIndex, uint table)
    {
        var index = function.Pop();
        var element = TableAccess.Element(function, table, index, TrapCode.UndefinedElement);
        var callee = CheckType(function, element, typeIndex);
        var contextAddress = function.DefinePointer($"getelementptr i8, ptr {element}, i64 {FunctionRecordLayout.Context}");
        return callee with { Context = function.DefinePointer($"load ptr, ptr {contextAddress}, align 8, {Metadata.Tables}") };
    }

    // With masks the address becomes null by a conditional move when the types differ, and the branch tests the address: a
    // mispredicted branch calls nothing. (LLVM would fold a mask behind a branch on the types themselves.)
    private static CheckedCallee CheckType(FunctionBuilder function, Value element, uint typeIndex)
    {
        var foundAddress = function.DefinePointer($"getelementptr i8, ptr {element}, i64 {FunctionRecordLayout.TypeId}");
        var found = function.Define(ValueType.I32, $"load i32, ptr {foundAddress}, align 8, {Metadata.Tables}");
        var expectedAddress = function.ContextAddress(function.Module.Layout.TypeIdOffset(typeIndex));
        var expected = function.Define(ValueType.I32, $"load i32, ptr {expectedAddress}, align 4, {Metadata.Invariant}");
        var code = function.DefinePointer($"load ptr, ptr {element}, align 8, {Metadata.Tables}");
        if (function.Options.MaskIndices) code = OpaqueAssembly.PointerWhenEqual(function, code, found, expected);
        var matches = function.Options.MaskIndices
            ? function.DefineBit($"icmp ne ptr {code}, null")
            : function.DefineBit($"icmp eq i32 {found}, {expected}");
        string cold = function.NewLabel();
        string next = function.NewLabel();
        function.Line($"br i1 {matches}, label %{next}, label %{cold}");
        function.ContinueIn(cold);
        var isNull = function.DefineBit($"icmp eq i32 {found}, 0");
        string uninitialized = function.TrapLabel(TrapCode.UninitializedElement);
        function.Line($"br i1 {isNull}, label %{uninitialized}, label %{function.TrapLabel(TrapCode.IndirectCallTypeMismatch)}");
        function.ContinueIn(next);
        return new CheckedCallee(element, code, default, found, expected);
    }
}
