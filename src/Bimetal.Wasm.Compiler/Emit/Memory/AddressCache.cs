// Addresses in linear memory. A security rule: the i32 index is widened BEFORE the GEP, the constant offset is added in 64 bits, no
// "inbounds", no overflow flags. The reservation (or the explicit check) covers every such sum.

using Bimetal.Wasm.Abi;

namespace Bimetal.Wasm.Compiler.Emit.Memory;

/// <summary>Makes addresses; remembers the last indices it widened, because structure accesses share one.</summary>
internal sealed class AddressCache(FunctionBuilder function)
{
    /// <summary>Name of the address where the memory begins.</summary>
    public const string Base = "%mb";

    private const int Capacity = 8;

    private readonly long[] _indices = new long[Capacity];
    private readonly Value[] _addresses = new Value[Capacity];
    private int _count;

    /// <summary>Forgets addresses, because code that other paths lead to begins.</summary>
    public void Forget() => _count = 0;

    /// <summary>The address of <paramref name="index"/> + <paramref name="offset"/>; traps first if bounds are checked explicitly.</summary>
    /// <param name="index">An i32.</param>
    /// <param name="offset">Constant offset of the instruction.</param>
    /// <param name="sizeBytes">Bytes that are accessed.</param>
    /// <param name="start">Where the memory begins: <see cref="Base"/>, or the same under another name.</param>
    public Value Of(Value index, uint offset, int sizeBytes, Value start)
    {
        if (function.Options.Bounds == BoundsMode.Explicit) Check(index, offset, sizeBytes);
        if (index.TryGetInteger(out long constant)) return function.DefinePointer($"getelementptr i8, ptr {start}, i64 {(long)(uint)constant + offset}");
        var address = Widened(index, start);
        return offset == 0 ? address : function.DefinePointer($"getelementptr i8, ptr {address}, i64 {offset}");
    }

    private Value Widened(Value index, Value start)
    {
        long number = start.TemporaryNumber < 0 ? index.TemporaryNumber : -1;
        if (number >= 0)
        {
            int known = Array.IndexOf(_indices, number, 0, Math.Min(_count, Capacity));
            if (known >= 0) return _addresses[known];
        }

        var wide = function.Define(ValueType.I64, $"zext i32 {index} to i64");
        var address = function.DefinePointer($"getelementptr i8, ptr {start}, i64 {wide}");
        if (number >= 0)
        {
            _indices[_count % Capacity] = number;
            _addresses[_count % Capacity] = address;
            _count++;
        }

        return address;
    }

    // No sum here can wrap: index and offset are below 2^32, a length is at most 2^32.
    private void Check(Value index, uint offset, int sizeBytes)
    {
        var wide = function.Define(ValueType.I64, $"zext i32 {index} to i64");
        var end = function.Define(ValueType.I64, $"add i64 {wide}, {offset + (long)sizeBytes}");
        var length = MemorySize.LengthBytes(function);
        var isInside = function.DefineBit($"icmp ule i64 {end}, {length}");
        function.TrapUnless(isInside, TrapCode.MemoryOutOfBounds);
    }
}
