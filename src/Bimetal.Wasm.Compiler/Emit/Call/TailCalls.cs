// return_call and return_call_indirect: the caller's frame is gone when the callee begins, so that any number of them runs in constant
// stack. LLVM guarantees that between functions of its convention tailcc whatever their parameters are (musttail). On x64 that
// convention makes every return dearer, so only functions that end in tail calls, and those that a return_call names, have it;
// whoever comes from outside enters them through a wrapper of the C convention. Where an imported function or a table's element
// is called, its record says how far its tail entry is from its code; code without one (a host function's thunk, a function that
// ends no tail call) is called by a bridge in our place: it returns before anything else is called in tail position.

using System.Text;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler.Emit.Numeric;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit.Call;

/// <summary>Emits tail calls.</summary>
internal static class TailCalls
{
    public static void Direct(FunctionBuilder function, uint index)
    {
        var type = function.Module.Module.TypeOf(index);
        if (index >= (uint)function.Module.Module.ImportedFunctionCount)
        {
            string arguments = Calls.PopArguments(function, type, isTailFunction: true);
            Leave(function, type, Calls.Refer(function, index), Value.Named(ValueType.FuncRef, "%c"), arguments);
            function.Control.MarkUnreachable();
            return;
        }

        int record = function.Module.Layout.FunctionRecordOffset(index);
        var code = function.ContextPointer(record + FunctionRecordLayout.Code);
        var context = function.ContextPointer(record + FunctionRecordLayout.Context);
        var address = function.ContextAddress(record + FunctionRecordLayout.TailOffset);
        var tailOffset = function.Define(ValueType.I32, $"load i32, ptr {address}, align 4, {Metadata.Invariant}");
        var tailCode = TailCode(function, code, tailOffset);
        Leave(function, type, (code, tailCode), context, tailOffset);
    }

    public static void Indirect(FunctionBuilder function, uint typeIndex, uint table)
    {
        var callee = IndirectCalls.Check(function, typeIndex, table);
        var address = function.DefinePointer($"getelementptr i8, ptr {callee.Element}, i64 {FunctionRecordLayout.TailOffset}");
        var tailOffset = function.Define(ValueType.I32, $"load i32, ptr {address}, align 4, {Metadata.Tables}");
        var tailCode = TailCode(function, callee.Code, tailOffset);
        if (function.Options.MaskIndices && callee.Types is { } types) tailCode = OpaqueAssembly.PointerWhenEqual(function, tailCode, types.Found, types.Expected);
        Leave(function, function.Module.Module.Types[(int)typeIndex], (callee.Code, tailCode), callee.Context, tailOffset);
    }

    /// <summary>Writes the way from the C convention into a function that has the other one.</summary>
    public static void WriteWrapper(StringBuilder text, string name, string target, FunctionType type)
    {
        string returned = GuestSignature.Returned(type);
        text.Append($"define hidden {returned} @{name}(ptr %c{GuestSignature.Parameters(type, isTailFunction: false)}) #0 {{\n{GuestSignature.SplitVectors(type)}  ");
        text.Append($"{(returned == "void" ? "" : "%r = ")}call {GuestSignature.TailConvention}{returned} @{target}(ptr %c{GuestSignature.Parameters(type, isTailFunction: true)})\n");
        text.Append($"  ret {returned}{(returned == "void" ? "" : " %r")}\n}}\n");
    }

    private static Value TailCode(FunctionBuilder function, Value code, Value tailOffset)
    {
        var distance = function.Define(ValueType.I64, $"sext i32 {tailOffset} to i64");
        return function.DefinePointer($"getelementptr i8, ptr {code}, i64 {distance}");
    }

    private static void Leave(FunctionBuilder function, FunctionType type, (Value Code, Value TailCode) callee, Value context, Value tailOffset)
    {
        string arguments = Calls.PopArguments(function, type, isTailFunction: true);
        string direct = function.NewLabel(), bridged = function.NewLabel();
        var hasTailEntry = function.DefineBit($"icmp ne i32 {tailOffset}, 0");
        function.Line($"br i1 {hasTailEntry}, label %{direct}, label %{bridged}");
        function.ContinueIn(direct);
        Leave(function, type, callee.TailCode, context, arguments);
        function.ContinueIn(bridged);
        string bridge = function.Module.Prelude.Bridges.NameFor(function.Module, type);
        Leave(function, type, Value.Named(ValueType.FuncRef, "@" + bridge), context, $"{arguments}, ptr {callee.Code}");
        function.Control.MarkUnreachable();
    }

    // What the callee stores into the area for results is what our own caller looks for there.
    private static void Leave(FunctionBuilder function, FunctionType type, Value code, Value context, string arguments)
    {
        string returned = GuestSignature.Returned(type);
        string area = GuestSignature.ReturnsInMemory(type) ? $", ptr {GuestSignature.ResultArea}" : "";
        if (returned == "void")
        {
            function.Line($"musttail call {GuestSignature.TailConvention}void {code}(ptr {context}{area}{arguments}){function.Place}");
            function.Line($"ret void");
            return;
        }

        var result = function.Define(type.Results[0], $"musttail call {GuestSignature.TailConvention}{returned} {code}(ptr {context}{area}{arguments}){function.Place}");
        function.Line($"ret {returned} {result}");
    }
}
