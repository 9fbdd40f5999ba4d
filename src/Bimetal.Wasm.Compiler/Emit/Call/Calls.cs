// Direct calls. A function of the module is called with the same context; an imported one through its function record, which holds
// its code and the context that this code expects (the exporter's, or our own for a host function's thunk).

using System.Text;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit.Call;

/// <summary>Emits <c>call</c>, and the call instruction itself for indirect calls.</summary>
internal static class Calls
{
    public static void Direct(FunctionBuilder function, uint index)
    {
        var type = function.Module.Module.TypeOf(index);
        if (index >= (uint)function.Module.Module.ImportedFunctionCount)
        {
            string name = function.Module.FunctionName(index);
            function.Module.Partition.Call(name, type);
            Emit(function, type, Value.Named(ValueType.FuncRef, "@" + name), Value.Named(ValueType.FuncRef, "%c"));
            return;
        }

        int record = function.Module.Layout.FunctionRecordOffset(index);
        var code = function.ContextPointer(record + FunctionRecordLayout.Code);
        var context = function.ContextPointer(record + FunctionRecordLayout.Context);
        Emit(function, type, code, context);
    }

    /// <summary>Calls <paramref name="code"/> with the arguments on top of the stack and pushes its results.</summary>
    public static void Emit(FunctionBuilder function, FunctionType type, Value code, Value context)
    {
        var operands = function.PopMany(type.Parameters.Length);
        string arguments = Arguments(operands);
        string returned = LlvmTypes.OfResults(type);
        if (type.Results.Length == 0)
        {
            function.Line($"call void {code}(ptr {context}{arguments})");
            return;
        }

        var result = function.Define(type.Results[0], $"call {returned} {code}(ptr {context}{arguments})");
        if (type.Results.Length == 1)
        {
            function.Push(result);
            return;
        }

        for (int i = 0; i < type.Results.Length; i++) function.Push(function.Define(type.Results[i], $"extractvalue {returned} {result}, {i}"));
    }

    private static string Arguments(Value[] operands)
    {
        if (operands.Length == 0) return "";
        var text = new StringBuilder();
        foreach (var operand in operands) text.Append($", {LlvmTypes.Of(operand)} {operand}");
        return text.ToString();
    }
}
