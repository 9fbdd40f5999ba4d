// What a compilation gives.

namespace Bimetal.Wasm.Compiler;

/// <summary>A checked code image (see <see cref="Abi.CodeImage"/>).</summary>
/// <param name="Bytes">The ELF file.</param>
/// <param name="Key">Key of the code cache, 64 hexadecimal digits.</param>
/// <param name="FromCache">Whether nothing had to be compiled.</param>
/// <param name="Stages">Time of each stage, in order: cache, emit, clang (or optimise and codegen), link, check.</param>
public sealed record CompiledImage(ReadOnlyMemory<byte> Bytes, string Key, bool FromCache, IReadOnlyList<(string Stage, TimeSpan Time)> Stages);
