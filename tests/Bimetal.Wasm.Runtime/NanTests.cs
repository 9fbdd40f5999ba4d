// A signalling NaN comes out of arithmetic quiet, also where LLVM finds out by itself that the other operand changes nothing: by way of
// locals, globals, memory, of a function that it inlines, of the results of blocks and selects. Where it is only moved, it stays as it is.

using System.Diagnostics;
using System.Globalization;
using System.Text;
using Bimetal.Testing;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Engine;

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
        ["memory"] = "(T.store (i32.const 16) (T.const N)) (T.load (i32.const 16))",
        ["global"] = "(global.set $T (T.const N)) (global.get $T)",
        ["select"] = "(select (T.const N) (T.const 7) (local.get 1))",
        ["select of a variable"] = "(select (T.const N) (T.convert_i32_s (local.get 1)) (local.get 1))",
        ["integer"] = "(T.convert_i32_s (i32.const I))",
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
                        if (way is not ("initial value" or "integer") || (neutral == "0") || (way == "integer" && neutral != "-0")) cases.Add(type, operation, neutral, way);
                    }
                }
            }

            return cases;
        }
    }

    private static string NameOf(string type, string operation, string neutral, string way) => $"{type}.{operation} {neutral}, {way}";

    private static string Program => $"(module (memory 1) (global $f32 (mut f32) (f32.const 2)) (global $f64 (mut f64) (f64.const 2)) {string.Concat(Cases.Select((row, index) => Function(row.Data, index)))})";

    // One module for all, so that it is compiled once.
    private static readonly Lazy<Guest> All = new(() => new Guest(Program));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Arithmetic_WithANeutralOperand_QuietsTheNan(string type, string operation, string neutral, string way)
    {
        ulong result = All.Value.Call(NameOf(type, operation, neutral, way), type == "f32" ? Signalling32 : Signalling64, 1);
        ulong quietBit = type == "f32" ? 1u << 22 : 1ul << 51;
        Assert.True((result & quietBit) != 0, result.ToString("x", CultureInfo.InvariantCulture));
    }

    // The code for arm64 under emulation, without the engine around it: a context of zeros but for the address of the memory.
    [Fact]
    public void Arithmetic_OnArm64_QuietsTheNan()
    {
        if (!File.Exists("/usr/bin/qemu-aarch64") || !File.Exists("/usr/aarch64-linux-gnu/lib/libc.so.6"))
            Assert.Skip("needs qemu-aarch64 and an arm64 C library: apt-get install qemu-user libc6-dev-arm64-cross gcc-aarch64-linux-gnu");
        var module = WasmEngine.Check(Wat.ToWasm(Program));
        string ir = string.Concat(ModuleCompiler.EmitIr([module], new CompileOptions { Target = TargetPlatform.LinuxArm64 }));
        var caller = new StringBuilder("#include <stdio.h>\nstatic char memory[1 << 16];\nstatic _Alignas(64) char *context[1 << 13] = {memory};\n");
        var main = new StringBuilder("int main(void) {\n");
        foreach (var export in module.Exports)
        {
            bool isSingle = export.Name.StartsWith("f32", StringComparison.Ordinal);
            caller.Append(CultureInfo.InvariantCulture, $"{(isSingle ? "unsigned" : "unsigned long")} m0f{export.Index}(void *, {(isSingle ? "unsigned" : "unsigned long")}, int);\n");
            main.Append(CultureInfo.InvariantCulture, $"printf(\"%lx\\n\", (unsigned long)m0f{export.Index}(context, {(isSingle ? Signalling32 : Signalling64)}ul, 1));\n");
        }

        using var folder = new TemporaryFolder();
        string code = folder.Write("nan.ll", ir.Replace("define internal", "define", StringComparison.Ordinal)), program = Path.Combine(folder.Path, "nan");
        Run("clang-19", "--target=aarch64-linux-gnu", "-O2", "-w", "-c", code, "-o", code + ".o");
        Run("aarch64-linux-gnu-gcc", "-static", folder.Write("caller.c", caller.Append(main).Append("}\n").ToString()), code + ".o", "-o", program);
        string[] results = Run("qemu-aarch64", program).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(module.Exports.Length, results.Length);
        Assert.All(module.Exports.Zip(results), result =>
        {
            ulong quietBit = result.First.Name.StartsWith("f32", StringComparison.Ordinal) ? 1u << 22 : 1ul << 51;
            Assert.True((ulong.Parse(result.Second, NumberStyles.HexNumber, CultureInfo.InvariantCulture) & quietBit) != 0, $"{result.First.Name}: {result.Second}");
        });
    }

    private static string Run(string tool, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }

    // Bit for bit, whatever a float goes through that is no arithmetic.
    [Theory]
    [InlineData("memory")]
    [InlineData("global")]
    [InlineData("select")]
    [InlineData("local")]
    [InlineData("call")]
    [InlineData("indirect")]
    public void Moves_LeaveASignallingNanAsItIs(string way)
    {
        Assert.Equal(Signalling32, Moves.Value.Call($"f32.{way}", Signalling32, 1));
        Assert.Equal(Signalling64, Moves.Value.Call($"f64.{way}", Signalling64, 1));
    }

    private static readonly Lazy<Guest> Moves = new(() => new Guest($"""
        (module (memory 1) (global $f32 (mut f32) (f32.const 2)) (global $f64 (mut f64) (f64.const 2)) (table funcref (elem $f32.same $f64.same))
          {MovesOf("f32", "i32", 0)} {MovesOf("f64", "i64", 1)})
        """));

    private static string MovesOf(string type, string integer, int element) => """
        (func $T.same (param T) (result T) (local.get 0))
        (func (export "T.memory") (param I i32) (result I) (I.store (i32.const 8) (local.get 0)) (T.store (i32.const 16) (T.load (i32.const 8))) (I.load (i32.const 16)))
        (func (export "T.global") (param I i32) (result I) (global.set $T (T.reinterpret_I (local.get 0))) (I.reinterpret_T (global.get $T)))
        (func (export "T.select") (param I i32) (result I) (I.reinterpret_T (select (T.reinterpret_I (local.get 0)) (T.const 1) (local.get 1))))
        (func (export "T.local") (param I i32) (result I) (local $n T)
          (loop $again (local.set $n (T.reinterpret_I (local.get 0))) (br_if $again (i32.eqz (local.tee 1 (i32.sub (local.get 1) (i32.const 1))))))
          (I.reinterpret_T (local.get $n)))
        (func (export "T.call") (param I i32) (result I) (I.reinterpret_T (call $T.same (T.reinterpret_I (local.get 0)))))
        (func (export "T.indirect") (param I i32) (result I) (I.reinterpret_T (call_indirect (param T) (result T) (T.reinterpret_I (local.get 0)) (i32.const E))))
        """.Replace("T", type, StringComparison.Ordinal).Replace("I", integer, StringComparison.Ordinal).Replace("E", $"{element}", StringComparison.Ordinal);

    private static string Function((string Type, string Operation, string Neutral, string Way) row, int number)
    {
        string integer = row.Type == "f32" ? "i32" : "i64";
        string operand = Ways[row.Way].Replace("$same", $"$same{number}", StringComparison.Ordinal).Replace("$neutral", $"$neutral{number}", StringComparison.Ordinal);
        return $"""
            (func $same{number} (param T) (result T) (local.get 0))
            (func $neutral{number} (result T) (T.const N))
            (func (export "{NameOf(row.Type, row.Operation, row.Neutral, row.Way)}") (param {integer} i32) (result {integer}) (local $n T) (local $i i32)
              (T.reinterpret_{integer} (local.get 0)) {operand} T.{row.Operation} {integer}.reinterpret_T)
            """.Replace("T", row.Type, StringComparison.Ordinal).Replace(" N)", $" {row.Neutral})", StringComparison.Ordinal)
            .Replace(" I)", $" {row.Neutral})", StringComparison.Ordinal);
    }
}
