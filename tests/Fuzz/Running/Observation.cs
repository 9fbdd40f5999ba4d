// What an engine did in one call, in words that both sides share, and when two of them agree.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;

namespace Bimetal.Fuzz.Running;

/// <summary>What was seen of one call.</summary>
/// <param name="Call">The call, or the stage before the first one.</param>
/// <param name="Trap">Name of the trap; empty when the call returned.</param>
/// <param name="Values">Results, in hexadecimal.</param>
/// <param name="State">Memory, globals and tables behind the call, condensed.</param>
internal sealed record Observation(string Call, string Trap, string Values, string State)
{
    /// <summary>The stage at which a module is decoded and validated.</summary>
    internal const string Compile = "compile";

    /// <summary>The stage at which segments are copied and the start function runs.</summary>
    internal const string Start = "start";

    // V8 does not tell apart what the specification names differently.
    private static readonly Dictionary<string, TrapCode[]> Coarse = new()
    {
        ["Conversion"] = [TrapCode.InvalidConversionToInteger, TrapCode.IntegerOverflow],
        ["TableIndex"] = [TrapCode.UndefinedElement, TrapCode.TableOutOfBounds],
        ["Callee"] = [TrapCode.UninitializedElement, TrapCode.IndirectCallTypeMismatch],
    };

    /// <summary>Whether an observation of ours is what V8's allows.</summary>
    /// <param name="v8">What V8 did.</param>
    /// <param name="mode">Relaxed code may leave out the trap of a load whose value is not used, and then goes on.</param>
    internal bool Agrees(Observation v8, CompileMode mode)
    {
        if (Call != v8.Call) return false;
        if (mode == CompileMode.Relaxed && v8.Trap == nameof(TrapCode.MemoryOutOfBounds)) return true;

        // Stores may move past a load that traps, so behind a trap only its kind counts.
        if (Trap.Length > 0 || v8.Trap.Length > 0) return SameTrap(Trap, v8.Trap);
        return Values == v8.Values && State == v8.State;
    }

    public override string ToString() => Trap.Length > 0 ? $"{Call}: trap {Trap}" : $"{Call} = {Values} [{State}]";

    private static bool SameTrap(string ours, string v8) =>
        Coarse.TryGetValue(v8, out var codes) ? codes.Any(code => code.ToString() == ours) : ours == v8;
}
