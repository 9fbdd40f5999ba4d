// A compiled image that the runtime refuses: not one of ours, of another ABI version, or damaged.

namespace Bimetal.Wasm.Runtime;

/// <summary>Thrown when a compiled image is malformed or was built for another runtime; compiling the module again is the remedy.</summary>
public sealed class CodeImageException(string message) : Exception(message);
