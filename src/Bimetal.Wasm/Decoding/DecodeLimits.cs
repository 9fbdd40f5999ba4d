// The bounds on what a module may ask of the decoder, the validator and everything behind them. Defaults are close to those of web
// engines, so that what runs there is accepted here.

namespace Bimetal.Wasm.Decoding;

/// <summary>Limits on a module. A module over one of them is refused with the limit's name; nothing is allocated for it first.</summary>
public sealed record DecodeLimits
{
    public static DecodeLimits Default { get; } = new();

    /// <summary>Bytes of the whole binary.</summary>
    public int ModuleBytes { get; init; } = 128 * 1024 * 1024;

    /// <summary>Bytes of one name (import, export, custom section, function).</summary>
    public int NameBytes { get; init; } = 100_000;

    public int Types { get; init; } = 100_000;

    public int FunctionParameters { get; init; } = 1_000;

    public int FunctionResults { get; init; } = 1_000;

    public int Imports { get; init; } = 100_000;

    /// <summary>Functions defined in the module.</summary>
    public int Functions { get; init; } = 1_000_000;

    /// <summary>Tables, imported ones included.</summary>
    public int Tables { get; init; } = 10_000;

    /// <summary>Globals defined in the module.</summary>
    public int Globals { get; init; } = 1_000_000;

    public int Exports { get; init; } = 1_000_000;

    public int ElementSegments { get; init; } = 100_000;

    /// <summary>Elements of all element segments together.</summary>
    public int ElementItems { get; init; } = 10_000_000;

    public int DataSegments { get; init; } = 100_000;

    public int CustomSections { get; init; } = 10_000;

    /// <summary>Bytes of one function body, its local declarations included.</summary>
    public int BodyBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Declared locals of one function, without its parameters.</summary>
    public int LocalsPerFunction { get; init; } = 50_000;

    /// <summary>Declared locals of all functions together: a few bytes can declare many.</summary>
    public int LocalsPerModule { get; init; } = 20_000_000;

    /// <summary>Blocks within blocks of one function.</summary>
    public int NestingDepth { get; init; } = 10_000;

    /// <summary>Labels of one <c>br_table</c>, without the default.</summary>
    public int BranchTableLabels { get; init; } = 65_520;

    /// <summary>Values on the operand stack of one function at once.</summary>
    public int OperandStackValues { get; init; } = 100_000;

    /// <summary>
    /// Operands that lists of types stand for while all function bodies are validated: two bytes of a branch or call can mean a
    /// thousand of them.
    /// </summary>
    public int ValidationSteps { get; init; } = 1_000_000_000;

    internal static string Describe(string limitName, long found, long allowed) => $"limit {limitName} exceeded: {found}, at most {allowed}";
}
