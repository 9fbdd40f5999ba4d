// Direct calls instead of indirect ones, where a table can only hold few functions (TableFacts.cs): LLVM may then inline them.
//
// More functions could be told apart by a jump table, as br_table does. That took 1.8 times as long as the indirect call on an interpreter's
// loop: all functions then jump back to one place, which leaves the processor less to predict the next one from.

using System.Text;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler.Emit.Table;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit.Call;

/// <summary>Emits <c>call_indirect</c> of functions that are known.</summary>
internal static class KnownCallees
{
    /// <summary>Comparing with more functions costs more than a call that the processor predicts; fewer than a jump table needs.</summary>
    public const int ComparedFunctions = 3;

    // Direct calls that all indirect ones of a type may become together: code must not grow by more.
    private const int DirectCalls = 64;

    /// <summary>Calls by the number of the element, without looking at the table, if what each holds is known.</summary>
    public static bool TryCompareIndex(FunctionBuilder function, uint typeIndex, uint table)
    {
        var type = function.Module.Module.Types[(int)typeIndex];
        var facts = function.Module.Facts.Table(table);
        if (facts.Run is not { } run || !facts.HoldsOnly(type) || !IsWorth(function, typeIndex, run.Functions)) return false;
        var index = function.Pop();
        string arguments = Calls.PopArguments(function, type, isTailFunction: false);
        string[] labels = [.. run.Functions.Select(_ => function.NewLabel())];
        string outside = function.NewLabel();
        function.Line($"switch i32 {index}, label %{outside} [");
        for (int i = 0; i < labels.Length; i++) function.Line($"  i32 {run.First + i}, label %{labels[i]}");
        function.Line($"]");
        function.ContinueIn(outside);
        var isElement = function.DefineBit($"icmp ult i32 {index}, {function.Module.Module.Tables[(int)table].Limits.Minimum}");
        function.Line($"br i1 {isElement}, label %{function.TrapLabel(TrapCode.UninitializedElement)}, label %{function.TrapLabel(TrapCode.UndefinedElement)}");
        CallOneOf(function, type, [.. run.Functions.Zip(labels)], arguments);
        return true;
    }

    /// <summary>Calls by the address in an element, which was checked to hold a function of the type.</summary>
    public static bool TryCompareAddress(FunctionBuilder function, uint typeIndex, uint table, Value code)
    {
        var type = function.Module.Module.Types[(int)typeIndex];
        if (function.Module.Facts.Table(table).Functions is not { } functions || !functions.TryGetValue(type, out var callees)) return false;
        if (!IsWorth(function, typeIndex, callees)) return false;
        string arguments = Calls.PopArguments(function, type, isTailFunction: false);
        (uint Function, string Label)[] targets = [.. callees.Select(callee => (callee, function.NewLabel()))];
        foreach (var (callee, label) in targets.SkipLast(1))
        {
            var isCallee = function.DefineBit($"icmp eq ptr {code}, {Calls.Refer(function, callee)}");
            string next = function.NewLabel();
            function.Line($"br i1 {isCallee}, label %{label}, label %{next}");
            function.ContinueIn(next);
        }

        function.Line($"br label %{targets[^1].Label}");
        CallOneOf(function, type, targets, arguments);
        return true;
    }

    private static bool IsWorth(FunctionBuilder function, uint typeIndex, IReadOnlyCollection<uint> callees)
    {
        if (function.Options.Quick || callees.Count > ComparedFunctions || callees.Any(function.Module.Facts.IsTailFunction)) return false;
        return callees.Count == 1 || callees.Count * function.Module.Facts.IndirectCallsOf(typeIndex) <= DirectCalls;
    }

    private static void CallOneOf(FunctionBuilder function, FunctionType type, (uint Function, string Label)[] targets, string arguments)
    {
        string joined = function.NewLabel();
        var phi = new StringBuilder($"phi {GuestSignature.Returned(type)}");
        string separator = " ";
        foreach (var (callee, label) in targets)
        {
            function.ContinueIn(label);
            var returned = Calls.Write(function, type, Calls.Refer(function, callee), Value.Named(ValueType.FuncRef, "%c"), arguments);
            phi.Append($"{separator}[ {returned}, %{label} ]");
            separator = ", ";
            function.Line($"br label %{joined}");
        }

        function.ContinueIn(joined);
        bool returnsInRegisters = type.Results.Length > 0 && !GuestSignature.ReturnsInMemory(type);
        Calls.PushResults(function, type, returnsInRegisters ? function.Define(type.Results[0], $"{phi.ToString()}") : default);
    }
}
