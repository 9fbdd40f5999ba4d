// What is wrong with a module. Decoder and validator return it; the edge of the API turns it into an exception or a printed line.

namespace Bimetal.Wasm.Modules;

/// <summary>A fault of a module's bytes.</summary>
/// <param name="Offset">Byte offset from the start of the module.</param>
/// <param name="Message">What is wrong, in the wording of the specification's test suite where it has one.</param>
public sealed record WasmError(long Offset, string Message)
{
    /// <summary>One line for a person: <c>FILE: byte 0x1f: unexpected end</c>.</summary>
    public string Describe(string file) => $"{file}: byte 0x{Offset:x}: {Message}";
}

/// <summary>Thrown at the edge of the API for a module that is malformed, invalid, over a limit or cannot be linked.</summary>
public sealed class WasmModuleException(WasmError error) : Exception(error.Message)
{
    public WasmError Error { get; } = error;
}
