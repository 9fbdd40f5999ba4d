// How function types are spelled as signatures of guest functions in LLVM IR (CodeImage.cs): the context first, then the area for
// results that do not fit into registers, then the parameters.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit.Call;

/// <summary>Signatures and calling conventions of guest functions.</summary>
internal static class GuestSignature
{
    /// <summary>The word for the convention of functions that end in tail calls; nothing stands for the C convention.</summary>
    public const string TailConvention = "tailcc ";

    /// <summary>The parameter that points to the area for results.</summary>
    public const string ResultArea = "%rp";

    /// <summary>
    /// How a tail function gets a vector that is left without a register: LLVM 19 for x64 counts the stack arguments of its convention
    /// tailcc differently in caller and callee when one of them is aligned to 16 bytes.
    /// </summary>
    public const string VectorInHalves = "[2 x i64]";

    // Floating-point and vector parameters share so many registers, on x64 and on arm64.
    private const int VectorRegisters = 8;

    // Registers for so many results of whatever types exist on every target.
    private const int RegisterResults = 2;

    /// <summary>Whether results are stored in memory of the caller, one slot each as in a buffer.</summary>
    public static bool ReturnsInMemory(FunctionType type) => ReturnsInMemory(type.Results.Length);

    public static bool ReturnsInMemory(int resultCount) => resultCount > RegisterResults;

    /// <summary>What a function of the type returns in registers.</summary>
    public static string Returned(FunctionType type) => ReturnsInMemory(type) ? "void" : LlvmTypes.OfResults(type.Results);

    /// <summary>Types of the parameters behind the context, each after a comma.</summary>
    public static string ParameterTypes(FunctionType type, bool isTailFunction) =>
        (ReturnsInMemory(type) ? ", ptr" : "") + string.Concat(PassedTypes(type, isTailFunction).Select(passed => ", " + passed));

    /// <summary>The parameters behind the context with their names, each after a comma: <c>%rp</c>, <c>%a0</c>, <c>%a1</c> and so on.</summary>
    public static string Parameters(FunctionType type, bool isTailFunction) =>
        (ReturnsInMemory(type) ? $", ptr {ResultArea}" : "")
        + string.Concat(PassedTypes(type, isTailFunction).Select((passed, index) => $", {passed} %a{index}{(passed == VectorInHalves ? "h" : "")}"));

    /// <summary>Lines at the start of a tail function, which make vectors of parameters that come in halves.</summary>
    public static string JoinHalves(FunctionType type) => string.Concat(PassedTypes(type, isTailFunction: true).Select((passed, index) => passed == VectorInHalves
        ? $"  %a{index}l = extractvalue {passed} %a{index}h, 0\n  %a{index}u = extractvalue {passed} %a{index}h, 1\n"
          + $"  %a{index}v = insertelement <2 x i64> poison, i64 %a{index}l, i64 0\n  %a{index} = insertelement <2 x i64> %a{index}v, i64 %a{index}u, i64 1\n"
        : ""));

    /// <summary>The reverse of <see cref="JoinHalves"/>.</summary>
    public static string SplitVectors(FunctionType type) => string.Concat(PassedTypes(type, isTailFunction: true).Select((passed, index) => passed == VectorInHalves
        ? $"  %a{index}l = extractelement <2 x i64> %a{index}, i64 0\n  %a{index}u = extractelement <2 x i64> %a{index}, i64 1\n"
          + $"  %a{index}v = insertvalue {passed} poison, i64 %a{index}l, 0\n  %a{index}h = insertvalue {passed} %a{index}v, i64 %a{index}u, 1\n"
        : ""));

    /// <summary>The declaration of a function.</summary>
    public static string Declare(string name, FunctionType type, bool isTailFunction, string lastParameter = "") =>
        $"declare hidden {(isTailFunction ? TailConvention : "")}{Returned(type)} @{name}(ptr{ParameterTypes(type, isTailFunction)}{lastParameter}) #0\n";

    /// <summary>LLVM type in which each parameter is passed.</summary>
    public static IEnumerable<string> PassedTypes(FunctionType type, bool isTailFunction)
    {
        int registerCount = 0;
        foreach (var parameter in type.Parameters)
        {
            if (parameter is ValueType.F32 or ValueType.F64 or ValueType.V128) registerCount++;
            yield return isTailFunction && parameter == ValueType.V128 && registerCount > VectorRegisters ? VectorInHalves : LlvmTypes.Of(parameter);
        }
    }
}
