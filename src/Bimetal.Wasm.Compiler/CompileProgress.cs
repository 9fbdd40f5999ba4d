// How far a compilation is.

namespace Bimetal.Wasm.Compiler;

/// <summary>Runs of clang that have ended, of all that one image takes.</summary>
public readonly record struct CompileProgress(int Done, int Count);
