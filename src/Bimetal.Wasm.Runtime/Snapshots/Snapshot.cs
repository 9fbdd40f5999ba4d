// The frozen state of an instance, from which fresh instances are cloned.

namespace Bimetal.Wasm.Runtime;

/// <summary>A snapshot: memory image, globals, tables, sizes and dropped segments of an instance whose imports are all host functions.</summary>
public sealed class Snapshot : IDisposable
{
    /// <exception cref="InvalidOperationException">The instance shares memory, tables, globals or functions with another one, or is running.</exception>
    public static Snapshot Take(Instance instance) => throw new NotSupportedException();

    public void Dispose() => throw new NotSupportedException();
}
