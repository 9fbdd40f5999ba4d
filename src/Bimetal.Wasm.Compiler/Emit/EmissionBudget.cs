// How much IR a compilation may make. A few bytes of a hostile module can ask for a lot of it: a branch with a thousand values, a
// function with 50,000 locals. So it is counted while it is made.

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>The characters of IR that are left.</summary>
internal sealed class EmissionBudget(long characters, long functionCharacters)
{
    private long _spent;

    public static EmissionBudget Unlimited => new(long.MaxValue, long.MaxValue);

    public static EmissionBudget Of(ToolchainLimits limits) => new(limits.IrCharacters, limits.FunctionIrCharacters);

    /// <summary>Throws if so many more would be too many.</summary>
    public void Require(long more)
    {
        if (more > characters - _spent) Refuse("The module", nameof(ToolchainLimits.IrCharacters), characters);
    }

    /// <summary>Throws if so many would be too many for the function at hand, or for what is left.</summary>
    public void RequireForFunction(long soFar)
    {
        if (soFar > functionCharacters) Refuse("A function of the module", nameof(ToolchainLimits.FunctionIrCharacters), functionCharacters);
        Require(soFar);
    }

    /// <summary>Counts characters that were written.</summary>
    public void Spend(long written)
    {
        Require(written);
        _spent += written;
    }

    private static void Refuse(string what, string limit, long allowed) =>
        throw new ToolchainException($"{what} makes more LLVM IR than the limit {limit} allows ({allowed} characters).", limit);
}
