// Where the elements of a table are (ContextLayout.cs: a table is a record that importers share, an element a copied function
// record). Every index is compared with the length and then masked as well, so that a mispredicted comparison reads element 0.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler.Emit.Numeric;

namespace Bimetal.Wasm.Compiler.Emit.Table;

/// <summary>Emits accesses to table records.</summary>
internal static class TableAccess
{
    /// <summary>Current number of elements, an i32; a constant where it cannot change.</summary>
    public static Value Length(FunctionBuilder function, uint table)
    {
        if (function.Module.Facts.Table(table).HasFixedSize) return Value.Integer(ValueType.I32, (int)function.Module.Module.Tables[(int)table].Limits.Minimum);
        var record = function.ContextPointer(function.Module.Layout.TableOffset(table));
        var address = function.DefinePointer($"getelementptr i8, ptr {record}, i64 {TableRecordLayout.Length}");
        return function.Define(ValueType.I32, $"load i32, ptr {address}, align 8, {Metadata.Tables}");
    }

    /// <summary>What goes with loads of elements: those of a closed table never change, because its segments are in place before any code runs.</summary>
    public static string ElementMetadata(TableFacts facts) => facts.IsClosed ? Metadata.Invariant : Metadata.Tables;

    /// <summary>Address of an element; raises <paramref name="outside"/> when there is no such element.</summary>
    public static Value Element(FunctionBuilder function, uint table, Value index, TrapCode outside)
    {
        var length = Length(function, table);
        var isInside = function.DefineBit($"icmp ult i32 {index}, {length}");
        function.TrapUnless(isInside, outside);
        var wide = function.Define(ValueType.I64, $"zext i32 {index} to i64");
        if (function.Options.MaskIndices && !index.IsConstant)
        {
            var mask = OpaqueAssembly.IndexMask(function, index, length);
            wide = function.Define(ValueType.I64, $"and i64 {wide}, {mask}");
        }

        var elements = Elements(function, table);
        return function.DefinePointer($"getelementptr [{FunctionRecordLayout.Size} x i8], ptr {elements}, i64 {wide}");
    }

    private static Value Elements(FunctionBuilder function, uint table)
    {
        var record = function.ContextPointer(function.Module.Layout.TableOffset(table));
        string metadata = function.Module.Facts.Table(table).HasFixedSize ? Metadata.Invariant : Metadata.Tables;
        return function.DefinePointer($"load ptr, ptr {record}, align 8, {metadata}");
    }
}
