// Branches and returns (core specification 4.4.8).

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler.Emit.Call;
using Bimetal.Wasm.Compiler.Emit.Numeric;

namespace Bimetal.Wasm.Compiler.Emit.Control;

/// <summary>Emits br, br_if, br_table, return and unreachable.</summary>
internal static class Branches
{
    // LLVM makes a jump table from this many cases on; fewer become comparisons, which read no memory.
    private const int JumpTableCases = 4;

    public static void Branch(FunctionBuilder function, uint label)
    {
        var frame = function.Control.FrameAt(label);
        if (frame.Kind == FrameKind.Function)
        {
            Return(function);
            return;
        }

        function.Control.RecordBranch(frame);
        function.Line($"br label %{frame.Label}");
        function.Control.MarkUnreachable();
    }

    public static void BranchIf(FunctionBuilder function, uint label)
    {
        var condition = function.PopBit();
        var frame = function.Control.FrameAt(label);
        function.Control.RecordBranch(frame);
        string next = function.NewLabel();
        function.Line($"br i1 {condition}, label %{frame.Label}, label %{next}");
        function.ContinueIn(next);
    }

    /// <summary>A switch; its last label is the default.</summary>
    public static void BranchTable(FunctionBuilder function, uint[] labels)
    {
        var index = function.Pop();
        int defaultCase = labels.Length - 1;

        // Cases that lead where the default leads need no entry, and few others are compared with, which reads no memory. Compilers write
        // tables for sets of characters, of which nearly all places are the default's.
        uint otherwise = labels[defaultCase];
        int[] cases = [.. Enumerable.Range(0, defaultCase).Where(i => labels[i] != otherwise)];

        // With the index clamped to the default, and the default itself unreachable, LLVM has no bounds check left to emit: one
        // compare and conditional move do both jobs, and a mispredicted branch cannot read past the jump table.
        bool isClamped = function.Options.MaskIndices && cases.Length >= JumpTableCases && !index.IsConstant;
        if (isClamped)
        {
            index = OpaqueAssembly.ClampIndex(function, index, defaultCase);
            cases = [.. Enumerable.Range(0, labels.Length)];
        }

        foreach (int i in cases) Record(function, labels[i]);
        if (!isClamped) Record(function, otherwise);
        string otherLabel = isClamped ? function.NewLabel() : function.Control.FrameAt(otherwise).Label;
        function.Line($"switch i32 {index}, label %{otherLabel} [");
        foreach (int i in cases) function.Line($"  i32 {i}, label %{function.Control.FrameAt(labels[i]).Label}");
        function.Line($"]");
        if (isClamped)
        {
            function.ContinueIn(otherLabel);
            function.Line($"unreachable");
        }

        function.Control.MarkUnreachable();
    }

    public static void Return(FunctionBuilder function)
    {
        ReturnTop(function);
        function.Control.MarkUnreachable();
    }

    /// <summary>Writes the return of the values on top of the stack.</summary>
    public static void ReturnTop(FunctionBuilder function)
    {
        var results = function.Type.Results;
        var values = function.PeekLeaving(results.Length);
        if (results.Length == 0)
        {
            function.Line($"ret void");
            return;
        }

        if (GuestSignature.ReturnsInMemory(function.Type))
        {
            StoreResults(function, values);
            function.Line($"ret void");
            return;
        }

        string type = LlvmTypes.OfResults(results);
        var returned = values[0];
        if (results.Length > 1) returned = Aggregate(function, type, values);
        function.Line($"ret {type} {returned}");
    }

    public static void Unreachable(FunctionBuilder function)
    {
        function.Line($"br label %{function.TrapLabel(TrapCode.Unreachable)}");
        function.Control.MarkUnreachable();
    }

    private static void Record(FunctionBuilder function, uint label)
    {
        function.Control.RecordBranch(function.Control.FrameAt(label));
        function.Module.Budget.RequireForFunction(function.Characters);
    }

    private static void StoreResults(FunctionBuilder function, Value[] values)
    {
        int offset = 0;
        foreach (var value in values)
        {
            var address = function.DefinePointer($"getelementptr i8, ptr {GuestSignature.ResultArea}, i64 {offset}");
            function.Line($"store {LlvmTypes.Of(value)} {value}, ptr {address}, align 8, {Metadata.Results}");
            offset += BufferSlots.BytesOf(value.Type);
        }
    }

    private static Value Aggregate(FunctionBuilder function, string type, Value[] values)
    {
        var aggregate = Value.Named(ValueType.FuncRef, "poison");
        for (int i = 0; i < values.Length; i++)
        {
            aggregate = function.DefinePointer($"insertvalue {type} {aggregate}, {LlvmTypes.Of(values[i])} {values[i]}, {i}");
        }

        return aggregate;
    }
}
