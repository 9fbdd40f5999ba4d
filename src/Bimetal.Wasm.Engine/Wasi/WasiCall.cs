// One call of a WASI function: arguments and checked access to the guest's memory.

using System.Buffers.Binary;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine.Wasi;

/// <summary>A call in progress. Every address is the guest's and checked here before it is touched.</summary>
internal readonly ref struct WasiCall(WasiState state, GuestMemory? memory, ReadOnlySpan<ulong> arguments)
{
    private readonly ReadOnlySpan<ulong> _arguments = arguments;

    internal WasiState State { get; } = state;

    internal uint Argument(int index) => (uint)_arguments[index];

    internal bool TryRead(uint address, uint length, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        return memory is not null && memory.TryRead(address, length, out bytes);
    }

    internal bool TrySlice(uint address, uint length, out Span<byte> bytes)
    {
        bytes = default;
        return memory is not null && memory.TrySlice(address, length, out bytes);
    }

    internal bool TryWrite(uint address, uint value)
    {
        if (!TrySlice(address, sizeof(uint), out var bytes)) return false;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return true;
    }

    internal bool TryWrite(uint address, ulong value)
    {
        if (!TrySlice(address, sizeof(ulong), out var bytes)) return false;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return true;
    }
}
