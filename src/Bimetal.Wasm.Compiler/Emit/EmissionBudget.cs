// How much IR a compilation may make. A few bytes of a hostile module can ask for a lot of it: a branch with a thousand values, a
// function with 50,000 locals. So it is counted while it is made.

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>The characters of IR that are left.</summary>
internal sealed class EmissionBudget(long characters)
{
    private long _spent;

    public static EmissionBudget Unlimited => new(long.MaxValue);

    /// <summary>Whether so many more would be too many.</summary>
    public void Require(long more)
    {
        if (more <= characters - _spent) return;
        throw new ToolchainException(
            $"The module makes more LLVM IR than the limit {nameof(ToolchainLimits.IrCharacters)} allows ({characters} characters).",
            nameof(ToolchainLimits.IrCharacters));
    }

    /// <summary>Counts characters that were written.</summary>
    public void Spend(long written)
    {
        Require(written);
        _spent += written;
    }
}
