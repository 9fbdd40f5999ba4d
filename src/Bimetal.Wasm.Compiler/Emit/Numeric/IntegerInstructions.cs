// Integer comparison and arithmetic (core specification 4.3.2). WebAssembly's integers wrap like LLVM's without nsw and nuw; what
// differs are shift counts, which LLVM does not reduce, and divisions, which are undefined there where they trap here.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Numeric;

/// <summary>Dispatch and emission of integer instructions.</summary>
internal static class IntegerInstructions
{
    public static void Emit(FunctionBuilder function, ref readonly Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.I32Eqz or Opcode.I64Eqz: EqualsZero(function); break;
            case Opcode.I32Eq or Opcode.I64Eq: Compare(function, "eq"); break;
            case Opcode.I32Ne or Opcode.I64Ne: Compare(function, "ne"); break;
            case Opcode.I32LtS or Opcode.I64LtS: Compare(function, "slt"); break;
            case Opcode.I32LtU or Opcode.I64LtU: Compare(function, "ult"); break;
            case Opcode.I32GtS or Opcode.I64GtS: Compare(function, "sgt"); break;
            case Opcode.I32GtU or Opcode.I64GtU: Compare(function, "ugt"); break;
            case Opcode.I32LeS or Opcode.I64LeS: Compare(function, "sle"); break;
            case Opcode.I32LeU or Opcode.I64LeU: Compare(function, "ule"); break;
            case Opcode.I32GeS or Opcode.I64GeS: Compare(function, "sge"); break;
            case Opcode.I32GeU or Opcode.I64GeU: Compare(function, "uge"); break;
            case Opcode.I32Clz or Opcode.I64Clz: CountZeros(function, "ctlz"); break;
            case Opcode.I32Ctz or Opcode.I64Ctz: CountZeros(function, "cttz"); break;
            case Opcode.I32Popcnt or Opcode.I64Popcnt: CountOnes(function); break;
            case Opcode.I32Add or Opcode.I64Add: Binary(function, "add"); break;
            case Opcode.I32Sub or Opcode.I64Sub: Binary(function, "sub"); break;
            case Opcode.I32Mul or Opcode.I64Mul: Binary(function, "mul"); break;
            case Opcode.I32And or Opcode.I64And: Binary(function, "and"); break;
            case Opcode.I32Or or Opcode.I64Or: Binary(function, "or"); break;
            case Opcode.I32Xor or Opcode.I64Xor: Binary(function, "xor"); break;
            case Opcode.I32DivS or Opcode.I64DivS: DivideSigned(function); break;
            case Opcode.I32DivU or Opcode.I64DivU: DivideUnsigned(function, "udiv"); break;
            case Opcode.I32RemS or Opcode.I64RemS: RemainderSigned(function); break;
            case Opcode.I32RemU or Opcode.I64RemU: DivideUnsigned(function, "urem"); break;
            case Opcode.I32Shl or Opcode.I64Shl: Shift(function, "shl"); break;
            case Opcode.I32ShrS or Opcode.I64ShrS: Shift(function, "ashr"); break;
            case Opcode.I32ShrU or Opcode.I64ShrU: Shift(function, "lshr"); break;
            case Opcode.I32Rotl or Opcode.I64Rotl: Rotate(function, "fshl"); break;
            case Opcode.I32Rotr or Opcode.I64Rotr: Rotate(function, "fshr"); break;
            default: throw new InvalidOperationException($"{instruction.Info.Name} has no emitter");
        }
    }

    private static void EqualsZero(FunctionBuilder function)
    {
        var value = function.PopAnyShape();
        function.Push(value.Shape == Shape.Bit
            ? function.DefineBit($"xor i1 {value}, true")
            : function.DefineBit($"icmp eq {LlvmTypes.Of(value)} {value}, 0"));
    }

    private static void Compare(FunctionBuilder function, string predicate)
    {
        var right = function.Pop();
        var left = function.Pop();
        function.Loads.Pin(left);
        function.Loads.Pin(right);
        function.Push(function.LowBytes.TryCompare(predicate, left, right) ?? function.DefineBit($"icmp {predicate} {LlvmTypes.Of(left)} {left}, {right}"));
    }

    private static void Binary(FunctionBuilder function, string operation)
    {
        var right = function.Pop();
        var left = function.Pop();
        if (operation != "mul")
        {
            function.Loads.Pin(left);
            function.Loads.Pin(right);
        }

        var result = function.Define(left.Type, $"{operation} {LlvmTypes.Of(left)} {left}, {right}");
        if (left.Type == ValueType.I32 && operation is ("add" or "sub")) function.Sums.Note(result, left, right, isDifference: operation == "sub");
        if (operation == "and") function.LowBytes.Note(result, left, right);
        function.Push(result);
    }

    // The i1 says that zero is a proper input with the bit width as its result.
    private static void CountZeros(FunctionBuilder function, string intrinsic)
    {
        var value = function.Pop();
        string type = LlvmTypes.Of(value);
        function.Push(function.Define(value.Type, $"call {type} @llvm.{intrinsic}.{type}({type} {value}, i1 false)"));
    }

    private static void CountOnes(FunctionBuilder function)
    {
        var value = function.Pop();
        string type = LlvmTypes.Of(value);
        function.Push(function.Define(value.Type, $"call {type} @llvm.ctpop.{type}({type} {value})"));
    }

    private static void DivideSigned(FunctionBuilder function)
    {
        var divisor = function.Pop();
        var dividend = function.Pop();
        string type = LlvmTypes.Of(dividend);
        TrapOnZero(function, divisor);
        if (!divisor.TryGetInteger(out long constant) || constant == -1)
        {
            string minimum = dividend.Type == ValueType.I32 ? "-2147483648" : "-9223372036854775808";
            var isMinimum = function.DefineBit($"icmp eq {type} {dividend}, {minimum}");
            var isMinusOne = function.DefineBit($"icmp eq {type} {divisor}, -1");
            var overflows = function.DefineBit($"and i1 {isMinimum}, {isMinusOne}");
            function.TrapIf(overflows, TrapCode.IntegerOverflow);
        }

        function.Push(function.Define(dividend.Type, $"sdiv {type} {dividend}, {divisor}"));
    }

    // The minimum modulo -1 is 0, but undefined in LLVM; so is any number modulo 1, which is defined there.
    private static void RemainderSigned(FunctionBuilder function)
    {
        var divisor = function.Pop();
        var dividend = function.Pop();
        string type = LlvmTypes.Of(dividend);
        TrapOnZero(function, divisor);
        if (!divisor.TryGetInteger(out long constant) || constant == -1)
        {
            var isMinusOne = function.DefineBit($"icmp eq {type} {divisor}, -1");
            divisor = function.Define(divisor.Type, $"select i1 {isMinusOne}, {type} 1, {type} {divisor}");
        }

        function.Push(function.Define(dividend.Type, $"srem {type} {dividend}, {divisor}"));
    }

    private static void DivideUnsigned(FunctionBuilder function, string operation)
    {
        var divisor = function.Pop();
        var dividend = function.Pop();
        TrapOnZero(function, divisor);
        function.Push(function.Define(dividend.Type, $"{operation} {LlvmTypes.Of(dividend)} {dividend}, {divisor}"));
    }

    private static void TrapOnZero(FunctionBuilder function, Value divisor)
    {
        if (divisor.TryGetInteger(out long constant) && constant != 0) return;
        var isZero = function.DefineBit($"icmp eq {LlvmTypes.Of(divisor)} {divisor}, 0");
        function.TrapIf(isZero, TrapCode.IntegerDivideByZero);
    }

    private static void Shift(FunctionBuilder function, string operation)
    {
        var count = function.Pop();
        var value = function.Pop();
        int mask = value.Type == ValueType.I32 ? 31 : 63;
        string type = LlvmTypes.Of(value);
        count = count.TryGetInteger(out long constant)
            ? Value.Integer(value.Type, constant & mask)
            : function.Define(value.Type, $"and {type} {count}, {mask}");
        function.Push(function.Define(value.Type, $"{operation} {type} {value}, {count}"));
    }

    // Funnel shifts take their count modulo the width, as rotations do.
    private static void Rotate(FunctionBuilder function, string intrinsic)
    {
        var count = function.Pop();
        var value = function.Pop();
        string type = LlvmTypes.Of(value);
        function.Push(function.Define(value.Type, $"call {type} @llvm.{intrinsic}.{type}({type} {value}, {type} {value}, {type} {count})"));
    }
}
