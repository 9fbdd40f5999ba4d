// Ends an invocation with a line for the user.

namespace Bimetal.Wasm.Engine.Invoke;

/// <summary>Why a call did not happen. The message is one line without the file's name.</summary>
internal sealed class InvokeException(string message, int exitCode) : Exception(message)
{
    internal int ExitCode { get; } = exitCode;
}
