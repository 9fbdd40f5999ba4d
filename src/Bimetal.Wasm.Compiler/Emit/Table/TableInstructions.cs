// Reference and table instructions (core specification 4.4.2 and 4.4.6). A reference is the address of a function record, or the
// host's handle for an externref; null is the null pointer.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Table;

/// <summary>Dispatch and emission of reference and table instructions.</summary>
internal static class TableInstructions
{
    public static void Emit(FunctionBuilder function, ref readonly Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.RefNull: function.Push(LlvmTypes.Zero(instruction.ReferenceType)); break;
            case Opcode.RefIsNull: IsNull(function); break;
            case Opcode.RefFunc: FunctionReference(function, instruction.Index); break;
            case Opcode.TableGet: Get(function, instruction.Index); break;
            case Opcode.TableSet: Set(function, instruction.Index); break;
            case Opcode.TableSize: function.Push(TableAccess.Length(function, instruction.Index)); break;
            case Opcode.TableGrow: Grow(function, instruction.Index); break;
            case Opcode.TableFill: Fill(function, instruction.Index); break;
            case Opcode.TableCopy: Bulk(function, Builtin.TableCopy, instruction.Index, instruction.SecondIndex); break;
            case Opcode.TableInit: Bulk(function, Builtin.TableInit, instruction.Index, instruction.SecondIndex); break;
            case Opcode.ElemDrop: DropElements(function, instruction.Index); break;
            default: throw new InvalidOperationException($"{instruction.Info.Name} has no emitter");
        }
    }

    private static void IsNull(FunctionBuilder function)
    {
        var reference = function.Pop();
        function.Push(function.DefineBit($"icmp eq ptr {reference}, null"));
    }

    private static void FunctionReference(FunctionBuilder function, uint index) =>
        function.Push(function.ContextAddress(function.Module.Layout.FunctionRecordOffset(index)));

    private static void Get(FunctionBuilder function, uint table)
    {
        var index = function.Pop();
        var element = TableAccess.Element(function, table, index, TrapCode.TableOutOfBounds);
        var self = function.DefinePointer($"getelementptr i8, ptr {element}, i64 {FunctionRecordLayout.Self}");
        var type = function.Module.Module.Tables[(int)table].ElementType;
        function.Push(function.Define(type, $"load ptr, ptr {self}, align 8, {Metadata.Tables}"));
    }

    private static void Set(FunctionBuilder function, uint table)
    {
        var reference = function.Pop();
        var index = function.Pop();
        var element = TableAccess.Element(function, table, index, TrapCode.TableOutOfBounds);
        if (function.Module.Module.Tables[(int)table].ElementType == ValueType.ExternRef)
        {
            var self = function.DefinePointer($"getelementptr i8, ptr {element}, i64 {FunctionRecordLayout.Self}");
            function.Line($"store ptr {reference}, ptr {self}, align 8, {Metadata.Tables}");
            return;
        }

        // The whole record is copied; a null reference copies a record of zeros.
        var isNull = function.DefineBit($"icmp eq ptr {reference}, null");
        var record = function.DefinePointer($"select i1 {isNull}, ptr @{Prelude.NullRecord}, ptr {reference}");
        var content = function.DefinePointer($"load <4 x i64>, ptr {record}, align 8, {Metadata.FunctionRecords}");
        function.Line($"store <4 x i64> {content}, ptr {element}, align 8, {Metadata.Tables}");
    }

    private static void Grow(FunctionBuilder function, uint table)
    {
        var delta = function.Pop();
        var reference = function.Pop();
        function.Module.Prelude.Use(Builtin.TableGrow);
        string routine = Prelude.NameOf(Builtin.TableGrow);
        function.Push(function.Define(ValueType.I32, $"call i32 @{routine}(ptr %c, i32 {table}, ptr {reference}, i32 {delta}){function.Place}"));
    }

    private static void Fill(FunctionBuilder function, uint table)
    {
        var operands = function.PopMany(3);
        function.Module.Prelude.Use(Builtin.TableFill);
        string routine = Prelude.NameOf(Builtin.TableFill);
        function.Line($"call void @{routine}(ptr %c, i32 {table}, i32 {operands[0]}, ptr {operands[1]}, i32 {operands[2]}){function.Place}");
    }

    private static void Bulk(FunctionBuilder function, Builtin builtin, uint first, uint second)
    {
        var operands = function.PopMany(3);
        function.Module.Prelude.Use(builtin);
        string routine = Prelude.NameOf(builtin);
        function.Line($"call void @{routine}(ptr %c, i32 {first}, i32 {second}, i32 {operands[0]}, i32 {operands[1]}, i32 {operands[2]}){function.Place}");
    }

    private static void DropElements(FunctionBuilder function, uint segment)
    {
        function.Module.Prelude.Use(Builtin.ElementDrop);
        function.Line($"call void @{Prelude.NameOf(Builtin.ElementDrop)}(ptr %c, i32 {segment}){function.Place}");
    }
}
