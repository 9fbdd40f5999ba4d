// The limits of one instance, each with a name and a default.

namespace Bimetal.Wasm.Runtime;

/// <summary>What one instance may have at most. Growth beyond a limit fails as the specification allows (-1).</summary>
public sealed record InstanceOptions
{
    public static InstanceOptions Default { get; } = new();

    /// <summary>Pages of 64 KiB of each memory.</summary>
    public uint MaximumMemoryPages { get; init; } = GuestMemory.MaximumPages;

    /// <summary>What the memories share with those of other instances; null: nothing.</summary>
    public MemoryAllowance? MemoryAllowance { get; init; }

    /// <summary>Elements of all tables of the instance together, 32 bytes each: a few bytes of a module can declare a large table.</summary>
    public uint MaximumTableElements { get; init; } = GuestTable.MaximumElements;
}
