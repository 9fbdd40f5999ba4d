// call_indirect (core specification 4.4.8): the element must exist, must not be null, and must have the expected type; each failure
// has a trap of its own. Types are compared by their process-wide number, which no null element has, unless all functions of the table
// are known to have the expected one (TableFacts.cs).

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler.Emit.Numeric;
using Bimetal.Wasm.Compiler.Emit.Table;

namespace Bimetal.Wasm.Compiler.Emit.Call;

/// <summary>A table's element that may be called.</summary>
/// <param name="Types">The type numbers that were compared for it; null where the table holds no other type.</param>
internal readonly record struct CheckedCallee(Value Element, Value Code, Value Context, (Value Found, Value Expected)? Types);

/// <summary>Emits <c>call_indirect</c>.</summary>
internal static class IndirectCalls
{
    public static void Emit(FunctionBuilder function, uint typeIndex, uint table)
    {
        if (KnownCallees.TryCompareIndex(function, typeIndex, table)) return;
        var callee = Check(function, typeIndex, table);
        if (KnownCallees.TryCompareAddress(function, typeIndex, table, callee.Code)) return;
        Calls.Emit(function, function.Module.Module.Types[(int)typeIndex], callee.Code, callee.Context);
    }

    /// <summary>Takes the index from the stack and finds what it stands for; what must not be called traps.</summary>
    public static CheckedCallee Check(FunctionBuilder function, uint typeIndex, uint table)
    {
        var index = function.Pop();
        var facts = function.Module.Facts.Table(table);
        var element = TableAccess.Element(function, table, index, TrapCode.UndefinedElement);
        var code = function.DefinePointer($"load ptr, ptr {element}, align 8, {TableAccess.ElementMetadata(facts)}");
        var type = function.Module.Module.Types[(int)typeIndex];
        var callee = facts.HoldsOnly(type) ? CheckPresence(function, element, code) : CheckType(function, facts, element, code, typeIndex);
        return callee with { Context = facts.IsClosed ? Value.Named(ValueType.FuncRef, "%c") : Context(function, element) };
    }

    // Every function of the table has the right type, so there is none to compare, and none that a mispredicted branch could confuse.
    private static CheckedCallee CheckPresence(FunctionBuilder function, Value element, Value code)
    {
        function.TrapUnless(function.DefineBit($"icmp ne ptr {code}, null"), TrapCode.UninitializedElement);
        return new CheckedCallee(element, code, default, null);
    }

    // With masks the address becomes null by a conditional move when the types differ, and the branch tests the address: a
    // mispredicted branch calls nothing. (LLVM would fold a mask behind a branch on the types themselves.)
    private static CheckedCallee CheckType(FunctionBuilder function, TableFacts facts, Value element, Value code, uint typeIndex)
    {
        var foundAddress = function.DefinePointer($"getelementptr i8, ptr {element}, i64 {FunctionRecordLayout.TypeId}");
        var found = function.Define(ValueType.I32, $"load i32, ptr {foundAddress}, align 8, {TableAccess.ElementMetadata(facts)}");
        var expectedAddress = function.ContextAddress(function.Module.Layout.TypeIdOffset(typeIndex));
        var expected = function.Define(ValueType.I32, $"load i32, ptr {expectedAddress}, align 4, {Metadata.Invariant}");
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
        return new CheckedCallee(element, code, default, (found, expected));
    }

    // Almost always the callee is of the same instance. A branch lets the processor go on with the context that it has: handed over from
    // the element, every address that the callee computes would wait for the element, and with those of its stores all loads behind them.
    private static Value Context(FunctionBuilder function, Value element)
    {
        var address = function.DefinePointer($"getelementptr i8, ptr {element}, i64 {FunctionRecordLayout.Context}");
        var found = function.DefinePointer($"load ptr, ptr {address}, align 8, {Metadata.Tables}");
        var isOwn = function.DefineBit($"icmp eq ptr {found}, %c");
        string before = function.CurrentBlock, other = function.NewLabel(), next = function.NewLabel();
        function.Line($"br i1 {isOwn}, label %{next}, label %{other}");
        function.ContinueIn(other);
        var others = OpaqueAssembly.Hide(function, found);
        function.Line($"br label %{next}");
        function.ContinueIn(next);
        return function.DefinePointer($"phi ptr [ %c, %{before} ], [ {others}, %{other} ]");
    }
}
