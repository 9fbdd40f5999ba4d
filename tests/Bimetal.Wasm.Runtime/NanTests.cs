// A signalling NaN comes out of arithmetic quiet, also where LLVM finds out by itself that the other operand changes nothing: by way of
// locals, of a function that it inlines, of the results of blocks.

using System.Globalization;

namespace Bimetal.Wasm.Runtime.Tests;

public sealed class NanTests
{
    private const ulong Signalling32 = 0x7FA0_0001;
    private const ulong Signalling64 = 0x7FF4_0000_0000_0001;

    // The other operand of each operation: constant, and on its way hidden.
    private static readonly Dictionary<string, string> Ways = new()
    {
        ["at once"] = "(T.const N)",
        ["local"] = "(local.set $n (T.const N)) (local.get $n)",
        ["local, behind a block"] = "(local.set $n (T.const N)) (block (br_if 0 (local.get 1)) (local.set $i (i32.const 7))) (local.get $n)",
        ["tee"] = "(local.tee $n (T.const N)) (drop) (block (br_if 0 (local.get 1))) (local.get $n)",
        ["initial value"] = "(block (br_if 0 (local.get 1)) (local.set $n (T.const 5))) (local.get $n)",
        ["block"] = "(block (result T) (T.const N) (br_if 0 (local.get 1)) (drop) (T.const N))",
        ["if"] = "(if (result T) (local.get 1) (then (T.const N)) (else (T.const N)))",
        ["callee"] = "(call $same (T.const N))",
        ["caller"] = "(call $neutral)",
    };

    private static readonly (string Operation, string Neutral)[] Operations = [("mul", "1"), ("mul", "-1"), ("div", "1"), ("div", "-1"), ("sub", "0"), ("add", "-0"), ("add", "0")];

    public static TheoryData<string, string, string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string, string, string>();
            foreach (var (operation, neutral) in Operations)
            {
                foreach (string way in Ways.Keys)
                {
                    foreach (string type in (string[])["f32", "f64"])
                    {
                        if (way != "initial value" || neutral == "0") cases.Add(type, operation, neutral, way);
                    }
                }
            }

            return cases;
        }
    }

    private static string NameOf(string type, string operation, string neutral, string way) => $"{type}.{operation} {neutral}, {way}";

    // One module for all, so that it is compiled once.
    private static readonly Lazy<Guest> All = new(() => new Guest($"(module {string.Concat(Cases.Select((row, index) => Function(row.Data, index)))})"));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Arithmetic_WithANeutralOperand_QuietsTheNan(string type, string operation, string neutral, string way)
    {
        ulong result = All.Value.Call(NameOf(type, operation, neutral, way), type == "f32" ? Signalling32 : Signalling64, 1);
        ulong quietBit = type == "f32" ? 1u << 22 : 1ul << 51;
        Assert.True((result & quietBit) != 0, result.ToString("x", CultureInfo.InvariantCulture));
    }

    private static string Function((string Type, string Operation, string Neutral, string Way) row, int number)
    {
        string integer = row.Type == "f32" ? "i32" : "i64";
        string operand = Ways[row.Way].Replace("$same", $"$same{number}", StringComparison.Ordinal).Replace("$neutral", $"$neutral{number}", StringComparison.Ordinal);
        return $"""
            (func $same{number} (param T) (result T) (local.get 0))
            (func $neutral{number} (result T) (T.const N))
            (func (export "{NameOf(row.Type, row.Operation, row.Neutral, row.Way)}") (param {integer} i32) (result {integer}) (local $n T) (local $i i32)
              (T.reinterpret_{integer} (local.get 0)) {operand} T.{row.Operation} {integer}.reinterpret_T)
            """.Replace("T", row.Type, StringComparison.Ordinal).Replace(" N)", $" {row.Neutral})", StringComparison.Ordinal);
    }
}
