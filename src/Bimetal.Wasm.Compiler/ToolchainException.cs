// Why no code came out of a validated module: the compiler is missing, or LLVM refused, or a limit was hit.

namespace Bimetal.Wasm.Compiler;

/// <summary>The toolchain is missing, failed, or ran over a limit. The message says what to do.</summary>
public sealed class ToolchainException : Exception
{
    public ToolchainException(string message, string? limit = null, Exception? innerException = null)
        : base(message, innerException) => Limit = limit;

    /// <summary>Name of the limit that was hit (a property of <see cref="ToolchainLimits"/>), or null.</summary>
    public string? Limit { get; }
}
