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

    // Registers for so many results of whatever types exist on every target.
    private const int RegisterResults = 2;

    /// <summary>Whether results are stored in memory of the caller, one slot each as in a buffer.</summary>
    public static bool ReturnsInMemory(FunctionType type) => ReturnsInMemory(type.Results.Length);

    public static bool ReturnsInMemory(int resultCount) => resultCount > RegisterResults;

    /// <summary>What a function of the type returns in registers.</summary>
    public static string Returned(FunctionType type) => ReturnsInMemory(type) ? "void" : LlvmTypes.OfResults(type.Results);

    /// <summary>Types of the parameters behind the context, each after a comma.</summary>
    public static string ParameterTypes(FunctionType type) =>
        (ReturnsInMemory(type) ? ", ptr" : "") + string.Concat(type.Parameters.Select(parameter => ", " + LlvmTypes.Of(parameter)));

    /// <summary>The parameters behind the context with their names, each after a comma: <c>%rp</c>, <c>%a0</c>, <c>%a1</c> and so on.</summary>
    public static string Parameters(FunctionType type) =>
        (ReturnsInMemory(type) ? $", ptr {ResultArea}" : "") + string.Concat(type.Parameters.Select((parameter, index) => $", {LlvmTypes.Of(parameter)} %a{index}"));

    /// <summary>The declaration of a function.</summary>
    public static string Declare(string name, FunctionType type, bool isTailFunction, string lastParameter = "") =>
        $"declare hidden {(isTailFunction ? TailConvention : "")}{Returned(type)} @{name}(ptr{ParameterTypes(type)}{lastParameter}) #0\n";
}
