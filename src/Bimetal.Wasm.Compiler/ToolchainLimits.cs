// Bounds of one run of clang or lld: a hostile module aims at LLVM too.

namespace Bimetal.Wasm.Compiler;

/// <summary>What a compilation may use. Exceeding any of these is a <see cref="ToolchainException"/> that names it.</summary>
public sealed record ToolchainLimits
{
    /// <summary>CPU time of one child process, in whole seconds.</summary>
    public TimeSpan CpuTime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// CPU time of one child process that optimises, in whole seconds for each 4 Mi characters of IR begun; behind it that part of the module
    /// is compiled again by LLVM's code generator alone. Ordinary code takes a tenth; some small functions keep LLVM's analyses busy without end.
    /// </summary>
    public TimeSpan OptimizationTime { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Elapsed time of one child process.</summary>
    public TimeSpan WallTime { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Address space of one child process.</summary>
    public long AddressSpaceBytes { get; init; } = 8L << 30;

    /// <summary>Stack of one child process: LLVM recurses along some of what a module says.</summary>
    public long StackBytes { get; init; } = 64L << 20;

    /// <summary>Largest file that a child process may write.</summary>
    public long FileBytes { get; init; } = 1L << 30;

    /// <summary>Characters of LLVM IR of one compilation: about thirty for each byte of an ordinary module.</summary>
    public long IrCharacters { get; init; } = 384L << 20;

    /// <summary>Characters of LLVM IR of one function: what LLVM does with a function can take more than its length's time.</summary>
    public long FunctionIrCharacters { get; init; } = 32L << 20;

    /// <summary>Stack frame of one guest function, which the runtime's headroom below the stack limit must hold. Not to be raised.</summary>
    public static int FrameBytes => Emit.ImageEmitter.FrameLimitBytes;
}
