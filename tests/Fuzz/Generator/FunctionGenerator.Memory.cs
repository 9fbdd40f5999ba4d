// Accesses to memory: addresses inside, at the edges and beyond, offsets up to 2^32 - 1, bulk operations.

using Bimetal.Fuzz.Model;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Fuzz.Generator;

internal sealed partial class FunctionGenerator
{
    private Expression Load(ValueType type, int depth) => Strict(MemoryOperation(_dice.Pick(OpcodePool.Loads(type)), depth));

    private Node Store(int depth)
    {
        var stores = OpcodePool.Stores;
        var info = _dice.Pick(stores);
        while (!_shape.UsesVectors && OpcodePool.UsesVectors(info)) info = _dice.Pick(stores);
        return MemoryOperation(info, depth);
    }

    // A load or a store; the address is the first operand.
    private Node MemoryOperation(OpcodeInfo info, int depth)
    {
        var (address, offset) = Address(1 << info.NaturalAlignment, depth);
        var code = Code.Start(info.Opcode).Unsigned((uint)_dice.Between(0, info.NaturalAlignment)).Unsigned(offset);
        if (info.Immediate == ImmediateKind.MemoryLane) code.Byte((byte)_dice.Next(16 >> info.NaturalAlignment));
        return new Node(info.Results.Length == 0 ? null : info.Results[0], [address, .. CleanAll(info.Operands.Skip(1), depth), code.ToArray()]);
    }

    private (Node Address, uint Offset) Address(int sizeBytes, int depth)
    {
        int bytes = _shape.MemoryBytes;
        bool isWild = bytes == 0 || _dice.Chance(IsCareful ? 1 : 12);
        return isWild ? WildAddress(bytes, sizeBytes, depth) : _dice.Weighted<(Node Address, uint Offset)>(
            (50, () => (Masked(_dice.Pick([0xFF, 0xFFF, 0x7FFF, 0xFFF8]), depth), (uint)_dice.Next(64))),
            (10, () => (Masked(0xFFFF, depth), (uint)(bytes > 0x10000 ? _dice.Next(0xFFF0) : 0))),
            (15, () => (new Node(ValueType.I32, Code.I32(_dice.Next(bytes - 80))), (uint)_dice.Next(64))),
            (10, () => Edge(bytes, sizeBytes)),
            (5, () => (new Node(ValueType.I32, Code.I32(0)), (uint)_dice.Next(bytes - 16))));
    }

    private Node Masked(int mask, int depth) => new(ValueType.I32, Clean(ValueType.I32, depth), Code.I32(mask), Code.Of(Opcode.I32And));

    // The last bytes that are inside, the sum split anyhow between index and offset.
    private (Node Address, uint Offset) Edge(int bytes, int sizeBytes)
    {
        int end = bytes - sizeBytes;
        int offset = _dice.Pick([0, 1, 16, _dice.Next(end), end]);
        return (new Node(ValueType.I32, Code.I32(end - offset)), (uint)offset);
    }

    private (Node Address, uint Offset) WildAddress(int bytes, int sizeBytes, int depth) => _dice.Weighted<(Node Address, uint Offset)>(
        // One byte beyond.
        (20, () => (new Node(ValueType.I32, Code.I32(bytes - sizeBytes + 1)), 0)),
        (10, () => (new Node(ValueType.I32, Code.I32(0)), (uint)(bytes - sizeBytes + 1))),
        // Beyond the size of the moment.
        (15, () => (new Node(ValueType.I32, Code.Of(Opcode.MemorySize, 0), Code.I32(16), Code.Of(Opcode.I32Shl), Code.I32(_dice.Between(-20, 4)), Code.Of(Opcode.I32Add)), 0)),
        // Sums that would wrap in 32 bits.
        (15, () => (new Node(ValueType.I32, Code.I32(_dice.Between(-64, -1))), (uint)_dice.Next(128))),
        (10, () => (new Node(ValueType.I32, Code.I32(_dice.Between(-64, -1))), uint.MaxValue - (uint)_dice.Next(64))),
        (10, () => (Clean(ValueType.I32, depth), uint.MaxValue - (uint)_dice.Next(64))),
        (25, () => (Clean(ValueType.I32, depth), _dice.Chance(50) ? 0 : (uint)_dice.Next(0x20000))));

    private Node BulkMemory(int depth)
    {
        int segments = _shape.Module.Data.Count;
        return _dice.Weighted<Node>(
            (35, () => new Node(null, [.. Span(depth, withValue: true), Code.Of(Opcode.MemoryFill, 0)])),
            (40, () => new Node(null, [.. Span(depth, withValue: false), Code.Of(Opcode.MemoryCopy, 0, 0)])),
            (segments > 0 ? 20 : 0, () => MemoryInit(_dice.Next(segments), depth)),
            (segments > 0 ? 4 : 0, () => new Node(null, Code.Of(Opcode.DataDrop, _dice.Next(segments)))));
    }

    // Destination, then a value or a source, then a length.
    private Node[] Span(int depth, bool withValue)
    {
        var length = _dice.Chance(IsCareful ? 2 : 20) ? Clean(ValueType.I32, depth) : Masked(_dice.Pick([0x7, 0x3F, 0xFF, 0x3FF]), depth);
        return [Place(depth), withValue ? Clean(ValueType.I32, depth) : Place(depth), length];
    }

    // Where bulk operations begin: mostly far enough from the end.
    private Node Place(int depth)
    {
        int bytes = _shape.MemoryBytes;
        if (bytes == 0 || _dice.Chance(IsCareful ? 2 : 20)) return Clean(ValueType.I32, depth);
        return _dice.Chance(10) ? new Node(ValueType.I32, Code.I32(bytes - _dice.Next(70))) : Masked(0x7FFF, depth);
    }

    private Node MemoryInit(int segment, int depth)
    {
        int length = _shape.Module.Data[segment].Bytes.Length;
        if (_dice.Chance(IsCareful ? 20 : 50)) return new Node(null, [.. Span(depth, withValue: false), Code.Of(Opcode.MemoryInit, segment, 0)]);
        int from = _dice.Next(length + 1);
        return new Node(null, Place(depth), Code.I32(from), Code.I32(_dice.Next(length - from + 1)), Code.Of(Opcode.MemoryInit, segment, 0));
    }
}
