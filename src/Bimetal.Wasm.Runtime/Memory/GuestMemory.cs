// A linear memory, owned by an instance or made by the host; importers share it.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

/// <summary>A linear memory. Its base address never moves; it only grows (or returns to its snapshot).</summary>
public sealed class GuestMemory : IDisposable
{
    public MemoryType Type => throw new NotSupportedException();

    /// <summary>Current length in bytes, a multiple of 65,536.</summary>
    public ulong LengthBytes => throw new NotSupportedException();

    public uint PageCount => (uint)(LengthBytes >> 16);

    /// <summary>A memory of the host's own, for imports.</summary>
    public static GuestMemory Create(MemoryType type, uint? maximumPages = null) => throw new NotSupportedException();

    /// <summary>The bytes <paramref name="offset"/> .. <paramref name="offset"/> + <paramref name="length"/>, or false when any of them is outside.</summary>
    public bool TrySlice(uint offset, uint length, out Span<byte> span) => throw new NotSupportedException();

    /// <summary>Adds pages; false (and no change) beyond the maximum or the limit.</summary>
    public bool TryGrow(uint deltaPages, out uint oldPages) => throw new NotSupportedException();

    public void Dispose() => throw new NotSupportedException();
}
