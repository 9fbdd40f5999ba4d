// Ends a run of scripts with a line for the user.

namespace Bimetal.Wasm.Engine.Wast;

/// <summary>Why scripts could not be run: a path that is none, a script that wast2json refuses, no wast2json.</summary>
public sealed class WastException(string message) : Exception(message);
