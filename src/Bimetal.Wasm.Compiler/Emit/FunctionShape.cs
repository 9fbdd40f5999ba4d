// What makes a function one that LLVM takes more than its length's time for: minutes for a few KB of loops in loops, or for some hundred KB
// of one expression.

using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>What LLVM does with a function or a partition.</summary>
internal enum Effort : byte
{
    /// <summary>What the options ask for.</summary>
    Full,

    /// <summary>Code generation without the optimisation passes before it.</summary>
    CodeGenerator,

    /// <summary>Code generation for one instruction after the other. Each value that outlives its block takes a place in the frame.</summary>
    Least,
}

/// <summary>Measures a function body while its instructions go by.</summary>
internal sealed class FunctionShape
{
    // The interpreter loops of SQLite and QuickJS have 35 KB and a handful of loops in each other; the longest functions of esbuild, 200 KB.
    private const int OptimizedBodyBytes = 256 * 1024;
    private const int OptimizedLoopDepth = 64;
    private const int OptimizedStretch = 20_000;

    private readonly Stack<bool> _blocks = [];
    private int _loopDepth;
    private int _stretch;

    /// <summary>What can be done with the function without taking longer than anybody would wait.</summary>
    public Effort Effort { get; private set; }

    /// <summary>Before the first instruction.</summary>
    public void Start(int bodyBytes) => Effort = bodyBytes > OptimizedBodyBytes ? Effort.CodeGenerator : Effort.Full;

    public void Note(Opcode opcode)
    {
        // The end of a block that nothing branches to, and a call, end no stretch of straight-line code.
        if (opcode is Opcode.Loop or Opcode.If or Opcode.Else or Opcode.BrIf or Opcode.BrTable) _stretch = 0;
        if (opcode is Opcode.Block or Opcode.If or Opcode.Loop)
        {
            _blocks.Push(opcode == Opcode.Loop);
            if (opcode == Opcode.Loop) _loopDepth++;
        }
        else if (opcode == Opcode.End && _blocks.TryPop(out bool isLoop) && isLoop)
        {
            _loopDepth--;
        }

        if (++_stretch > OptimizedStretch || _loopDepth > OptimizedLoopDepth) Effort = Effort.Least;
    }
}
