// A compiled image in memory: the runtime maps its segments itself, so no dynamic linker is involved.

namespace Bimetal.Wasm.Runtime;

/// <summary>The mapped code of one or more modules. Unmapped after <see cref="Dispose"/>, once no instance uses it any more.</summary>
public sealed class CodeMapping : IDisposable
{
    /// <summary>Modules in the image, numbered in the order in which they were compiled.</summary>
    public int ModuleCount => throw new NotSupportedException();

    /// <summary>Checks and maps an image.</summary>
    /// <exception cref="CodeImageException">The image is malformed or has another ABI version.</exception>
    public static CodeMapping Map(ReadOnlySpan<byte> elfImage) => throw new NotSupportedException();

    public void Dispose() => throw new NotSupportedException();
}
