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

    internal bool IsBeyondMemory => Trap == nameof(TrapCode.MemoryOutOfBounds);

    /// <summary>Whether an observation of ours is what V8's allows.</summary>
    /// <param name="v8">What V8 did.</param>
    /// <param name="options">How our code was compiled.</param>
    internal bool Agrees(Observation v8, CompileOptions options)
    {
        if (Call != v8.Call || !SameTrap(Trap, v8.Trap)) return false;

        // Stores may move past an access that faults. Every other trap is a branch, which they may not pass.
        if (v8.IsBeyondMemory && options.Bounds == BoundsMode.Guard) return true;
        return Values == v8.Values && State == v8.State;
    }

    public override string ToString() => $"{Call} {(Trap.Length > 0 ? $"trap {Trap}" : $"= {Values}")} [{State}]";

    private static bool SameTrap(string ours, string v8) =>
        Coarse.TryGetValue(v8, out var codes) ? codes.Any(code => code.ToString() == ours) : ours == v8;
}
