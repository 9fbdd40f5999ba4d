// A table of references, owned by an instance or made by the host; importers share it.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

/// <summary>A table. References are 64-bit values: 0 is null, a funcref is the address of a function record, an externref is the host's handle.</summary>
public sealed class GuestTable : IDisposable
{
    public TableType Type => throw new NotSupportedException();

    public uint Length => throw new NotSupportedException();

    /// <summary>A table of the host's own, for imports.</summary>
    public static GuestTable Create(TableType type) => throw new NotSupportedException();

    public bool TryGet(uint index, out ulong reference) => throw new NotSupportedException();

    public bool TrySet(uint index, ulong reference) => throw new NotSupportedException();

    public bool TryGrow(uint delta, ulong reference, out uint oldLength) => throw new NotSupportedException();

    public void Dispose() => throw new NotSupportedException();
}
