// Lane arithmetic of v128 shapes. Lane 0 is the lowest in memory, in WebAssembly as in LLVM on little-endian targets.

using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Simd;

/// <summary>Facts about vector shapes; <see cref="Shape.Canonical"/> stands for i64x2.</summary>
internal static class SimdShapes
{
    private static readonly Shape[] ShapeOfOpcode = BuildTable();

    /// <summary>The shape that an instruction's mnemonic begins with (canonical for v128 and i64x2).</summary>
    public static Shape Of(Opcode opcode) => ShapeOfOpcode[(int)opcode & 0xFF];

    /// <summary>Bits of a lane.</summary>
    public static int LaneBits(this Shape shape) => shape switch
    {
        Shape.I8x16 => 8,
        Shape.I16x8 => 16,
        Shape.I32x4 or Shape.F32x4 => 32,
        _ => 64,
    };

    public static int LaneCount(this Shape shape) => 128 / shape.LaneBits();

    /// <summary>LLVM type of a lane.</summary>
    public static string LaneType(this Shape shape) => shape switch
    {
        Shape.F32x4 => "float",
        Shape.F64x2 => "double",
        _ => $"i{shape.LaneBits()}",
    };

    /// <summary>LLVM type of the whole vector.</summary>
    public static string VectorType(this Shape shape) => LlvmTypes.OfVector(shape);

    /// <summary>The integer shape with lanes of the same width.</summary>
    public static Shape Integer(this Shape shape) => shape switch
    {
        Shape.F32x4 => Shape.I32x4,
        Shape.F64x2 => Shape.Canonical,
        _ => shape,
    };

    /// <summary>The integer shape with lanes half as wide.</summary>
    public static Shape Half(this Shape shape) => shape switch
    {
        Shape.I16x8 => Shape.I8x16,
        Shape.I32x4 => Shape.I16x8,
        _ => Shape.I32x4,
    };

    /// <summary>What intrinsics of LLVM are called by: <c>v16i8</c>, <c>v4f32</c>.</summary>
    public static string Suffix(this Shape shape) => shape switch
    {
        Shape.F32x4 => "v4f32",
        Shape.F64x2 => "v2f64",
        _ => $"v{shape.LaneCount()}i{shape.LaneBits()}",
    };

    /// <summary>A constant with the same integer in each lane.</summary>
    public static string Splat(this Shape shape, long constant) =>
        $"<{string.Join(", ", Enumerable.Repeat($"i{shape.LaneBits()} {constant}", shape.LaneCount()))}>";

    /// <summary>A shuffle mask of consecutive lanes.</summary>
    public static string Lanes(int first, int count, int step = 1) =>
        $"<{count} x i32> <{string.Join(", ", Enumerable.Range(0, count).Select(index => $"i32 {first + (index * step)}"))}>";

    private static Shape[] BuildTable()
    {
        var table = new Shape[256];
        for (uint number = 0; number < 256; number++)
        {
            string name = OpcodeTable.Find(0xFD, number)?.Name ?? "";
            table[number] = name.Split('.')[0] switch
            {
                "i8x16" => Shape.I8x16,
                "i16x8" => Shape.I16x8,
                "i32x4" => Shape.I32x4,
                "f32x4" => Shape.F32x4,
                "f64x2" => Shape.F64x2,
                _ => Shape.Canonical,
            };
        }

        return table;
    }
}
