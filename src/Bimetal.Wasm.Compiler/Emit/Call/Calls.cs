// Direct calls. A function of the module is called with the same context; an imported one through its function record, which holds
// its code and the context that this code expects (the exporter's, or our own for a host function's thunk).

using System.Text;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler.Emit.Numeric;
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
            var name = Refer(function, index);
            Emit(function, type, name, Value.Named(ValueType.FuncRef, "%c"), function.Module.Facts.IsTailFunction(index));
            return;
        }

        int record = function.Module.Layout.FunctionRecordOffset(index);
        var code = function.ContextPointer(record + FunctionRecordLayout.Code);
        var context = function.ContextPointer(record + FunctionRecordLayout.Context);
        Emit(function, type, code, context);
    }

    /// <summary>The symbol of a function that the module defines, declared where it is needed.</summary>
    public static Value Refer(FunctionBuilder function, uint index)
    {
        string name = function.Module.FunctionName(index);
        function.Module.Partition.Call(name, GuestSignature.Declare(name, function.Module.Module.TypeOf(index), function.Module.Facts.IsTailFunction(index)));
        return Value.Named(ValueType.FuncRef, "@" + name);
    }

    /// <summary>Calls <paramref name="code"/> with the arguments on top of the stack and pushes its results.</summary>
    public static void Emit(FunctionBuilder function, FunctionType type, Value code, Value context, bool isTailFunction = false)
    {
        string arguments = PopArguments(function, type, isTailFunction);
        PushResults(function, type, Write(function, type, code, context, arguments, isTailFunction));
    }

    /// <summary>Writes the call instruction; what it returns in registers is of LLVM's type <see cref="GuestSignature.Returned"/>.</summary>
    public static Value Write(FunctionBuilder function, FunctionType type, Value code, Value context, string arguments, bool isTailFunction = false)
    {
        string convention = isTailFunction ? GuestSignature.TailConvention : "";
        if (GuestSignature.ReturnsInMemory(type)) arguments = $", ptr {function.ResultArea(type)}{arguments}";
        string call = $"call {convention}{GuestSignature.Returned(type)} {code}(ptr {context}{arguments}){function.Place}";
        if (type.Results.Length > 0 && !GuestSignature.ReturnsInMemory(type)) return function.Define(type.Results[0], $"{call}");
        function.Line($"{call}");
        return default;
    }

    /// <summary>Pushes the results of a call that returned <paramref name="returned"/>.</summary>
    public static void PushResults(FunctionBuilder function, FunctionType type, Value returned)
    {
        if (GuestSignature.ReturnsInMemory(type)) LoadResults(function, type);
        else if (type.Results.Length == 1) function.Push(returned);
        else for (int i = 0; i < type.Results.Length; i++) function.Push(function.Define(type.Results[i], $"extractvalue {GuestSignature.Returned(type)} {returned}, {i}"));
    }

    /// <summary>Takes the arguments of a call from the stack; each stands with its type after a comma.</summary>
    public static string PopArguments(FunctionBuilder function, FunctionType type, bool isTailFunction)
    {
        var operands = function.PopMany(type.Parameters.Length);
        if (operands.Length == 0) return "";
        var text = new StringBuilder();
        int index = 0;
        foreach (string passed in GuestSignature.PassedTypes(type, isTailFunction))
        {
            var operand = FloatConstants.Leaving(function, operands[index++]);
            text.Append($", {passed} {(passed == GuestSignature.VectorInHalves ? Split(function, operand) : operand)}");
        }

        return text.ToString();
    }

    private static Value Split(FunctionBuilder function, Value vector)
    {
        const string type = GuestSignature.VectorInHalves;
        var lower = function.Define(ValueType.I64, $"extractelement <2 x i64> {vector}, i64 0");
        var upper = function.Define(ValueType.I64, $"extractelement <2 x i64> {vector}, i64 1");
        var half = function.Define(ValueType.V128, $"insertvalue {type} poison, i64 {lower}, 0");
        return function.Define(ValueType.V128, $"insertvalue {type} {half}, i64 {upper}, 1");
    }

    private static void LoadResults(FunctionBuilder function, FunctionType type)
    {
        int offset = 0;
        foreach (var result in type.Results)
        {
            var address = function.DefinePointer($"getelementptr i8, ptr {FunctionBuilder.CalleeResults}, i64 {offset}");
            function.Push(function.Define(result, $"load {LlvmTypes.Of(result)}, ptr {address}, align 8, {Metadata.Results}"));
            offset += BufferSlots.BytesOf(result);
        }
    }
}
