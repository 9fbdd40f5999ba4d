// What modules import. Names carry what the hosts on both sides need to know to make the import.

using Bimetal.Wasm.Modules;

namespace Bimetal.Fuzz.Generator;

internal static class HostNames
{
    internal const string Mix = "mix", Scale = "scale", Wrap = "wrap", Unwrap = "unwrap", Grow = "grow";

    /// <summary>The functions of the host, the same ones in oracle.cjs and <see cref="Running.FuzzHost"/>.</summary>
    internal static readonly (string Name, FunctionType Type)[] Functions =
    [
        (Mix, FunctionType.Of([ValueType.I32, ValueType.I64], ValueType.I64)),
        (Scale, FunctionType.Of([ValueType.F64, ValueType.F32], ValueType.F64)),
        (Wrap, FunctionType.Of([ValueType.I32], ValueType.ExternRef)),
        (Unwrap, FunctionType.Of([ValueType.ExternRef], ValueType.I32)),
        (Grow, FunctionType.Of([ValueType.I32], ValueType.I32)),
    ];

    internal static string Memory(uint minimum, uint maximum) => $"memory.{minimum}.{maximum}";

    internal static string Table(uint minimum, uint maximum) => $"table.{minimum}.{maximum}";

    internal static string Global(GlobalType type, int index) => $"global.{type.ValueType.Name()}.{(type.IsMutable ? "var" : "const")}.{index}";
}
