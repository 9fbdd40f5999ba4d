// Functions of random types that call each other last, directly and through a table, against the same module in V8.

using System.Diagnostics;
using System.Globalization;
using System.Text;
using Bimetal.Testing;
using Bimetal.Wasm.Compiler;

namespace Bimetal.Wasm.Engine.Tests;

public sealed class TailCallDifferentialTests(EngineFixture engine) : IClassFixture<EngineFixture>
{
    private const int FunctionCount = 36;
    private const int Fuel = 20_000;

    // Calls every export with the same arguments, one result a line.
    private const string Runner = """
        const run = new WebAssembly.Instance(new WebAssembly.Module(require('fs').readFileSync(process.argv[2]))).exports;
        for (let k = 0; `run${k}` in run; k++) console.log(`i64:${run[`run${k}`](+process.argv[3], BigInt(k) * 77777n + 5n)}`);
        """;

    // Each list is what the functions of one class return; tail calls stay within a class.
    private static readonly string[][] ResultClasses = [["i64"], ["i64", "i32"], ["i64", "f64", "v128", "i32", "f32", "i64"], []];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void RandomTailCalls_GiveWhatV8Gives(int seed)
    {
        string file = engine.Write($"tail{seed}.wasm", Wat.ToWasm(Program(new Random(seed))));
        string[] expected = RunInV8(file);
        Assert.Equal(FunctionCount, expected.Length);
        for (int k = 0; k < FunctionCount; k++)
        {
            var actual = engine.Invoke(file, $"run{k} {Fuel} {(k * 77777L) + 5}");
            Assert.Equal(new Invocation(0, expected[k] + "\n", ""), actual);
        }
    }

    // The code for arm64 under emulation, without the engine around it: the functions are called with a context of zeros, which is all
    // that functions need that touch neither memory nor tables.
    [Fact]
    public void RandomTailCalls_OnArm64_GiveWhatV8Gives()
    {
        if (!File.Exists("/usr/bin/qemu-aarch64") || !File.Exists("/usr/aarch64-linux-gnu/lib/libc.so.6"))
            Assert.Skip("needs qemu-aarch64 and an arm64 C library: apt-get install qemu-user libc6-dev-arm64-cross gcc-aarch64-linux-gnu");
        byte[] wasm = Wat.ToWasm(Program(new Random(4), throughTables: false));
        string[] expected = RunInV8(engine.Write("tail4.wasm", wasm));
        string ir = string.Concat(ModuleCompiler.EmitIr([WasmEngine.Check(wasm)], new CompileOptions { Target = TargetPlatform.LinuxArm64 }));
        var main = new StringBuilder("#include <stdio.h>\nstatic _Alignas(64) char context[1 << 16];\n");
        for (int k = 0; k < FunctionCount; k++) main.Append(CultureInfo.InvariantCulture, $"long m0f{FunctionCount + k}(void *, int, long);\n");
        main.Append("int main(void) {\n");
        for (int k = 0; k < FunctionCount; k++)
            main.Append(CultureInfo.InvariantCulture, $"printf(\"i64:%ld\\n\", m0f{FunctionCount + k}(context, {Fuel}, {(k * 77777L) + 5}));\n");
        string program = engine.Write("tail4", "");
        string code = engine.Write("tail4.ll", ir.Replace("define internal", "define", StringComparison.Ordinal)), caller = engine.Write("tail4.c", main.Append("}\n").ToString());
        Run("clang-19", "--target=aarch64-linux-gnu", "-O2", "-w", "-c", code, "-o", code + ".o");
        Run("aarch64-linux-gnu-gcc", "-static", caller, code + ".o", "-o", program);
        Assert.Equal(expected, Run("qemu-aarch64", program));
    }

    private string[] RunInV8(string file) =>
        Run("node", engine.Write("tail.cjs", Runner), file, $"{Fuel}");

    private static string[] Run(string tool, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static string Program(Random random, bool throughTables = true)
    {
        string[][] parameters = [.. Enumerable.Range(0, FunctionCount).Select(_ => Parameters(random))];

        // Neighbours share a type, so that an index can choose between the two at run time.
        for (int k = 1; k < FunctionCount; k += 2) parameters[k] = parameters[k - 1];
        var text = new StringBuilder($"(module (global $h (mut i64) (i64.const 0)) (table {FunctionCount} funcref)\n");
        text.Append(CultureInfo.InvariantCulture, $"(elem (i32.const 0) {string.Join(' ', Enumerable.Range(0, FunctionCount).Select(k => $"$f{k}"))})\n");
        for (int k = 0; k < FunctionCount; k++)
            text.Append(CultureInfo.InvariantCulture, $"(type $t{k} (func (param i32 {string.Join(' ', parameters[k])}) (result {string.Join(' ', Results(k))})))\n");
        for (int k = 0; k < FunctionCount; k++) WriteFunction(text, random, parameters, k, throughTables);
        for (int k = 0; k < FunctionCount; k++) WriteRunner(text, parameters, k);
        return text.Append(')').ToString();
    }

    private static string[] Parameters(Random random)
    {
        string[] types = ["i32", "i64", "f32", "f64", "v128", "i64", "f64"];
        return [.. Enumerable.Range(0, random.Next(random.Next(3) == 0 ? 40 : 9)).Select(_ => types[random.Next(types.Length)])];
    }

    private static string[] Results(int k) => ResultClasses[k / 2 % ResultClasses.Length];

    // Mixes its parameters into one number, then calls the next with arguments made of it.
    private static void WriteFunction(StringBuilder text, Random random, string[][] parameters, int k, bool throughTables)
    {
        text.Append(CultureInfo.InvariantCulture, $"(func $f{k} (type $t{k}) (local $h i64) (local.set $h (i64.const {k}))\n");
        for (int i = 0; i < parameters[k].Length; i++)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"(i64.rotl (local.get $h) (i64.const {random.Next(1, 63)})) (local.get {i + 1}) {FromStack(parameters[k][i])} i64.add (local.set $h)\n");
        }

        text.Append("(if (i32.eqz (local.get 0)) (then (global.set $h (local.get $h)) (return ");
        foreach (string type in Results(k)) text.Append(Value(type, random.Next(64)));
        text.Append(")))\n");
        int[] callees = [.. Enumerable.Range(0, FunctionCount).Where(other => Results(other) == Results(k))];
        int callee = callees[random.Next(callees.Length)] & ~1;
        string arguments = $"(i32.sub (local.get 0) (i32.const 1)) {string.Concat(parameters[callee].Select(type => Value(type, random.Next(64))))}";
        text.Append(!throughTables || random.Next(2) == 0
            ? $"(return_call $f{callee} {arguments}))\n"
            : $"(return_call_indirect (type $t{callee}) {arguments} (i32.add (i32.const {callee}) (i32.and (i32.wrap_i64 (local.get $h)) (i32.const 1)))))\n");
    }

    private static void WriteRunner(StringBuilder text, string[][] parameters, int k)
    {
        text.Append(CultureInfo.InvariantCulture, $"(func (export \"run{k}\") (param i32 i64) (result i64) (local $h i64) (local.set $h (local.get 1))\n");
        text.Append(CultureInfo.InvariantCulture, $"(call $f{k} (local.get 0) {string.Concat(parameters[k].Select((type, index) => Value(type, index)))})\n");
        foreach (string type in Results(k).Reverse())
            text.Append(CultureInfo.InvariantCulture, $"{FromStack(type)} (i64.rotl (global.get $h) (i64.const 7)) i64.xor (global.set $h)\n");
        text.Append("(global.get $h))\n");
    }

    // Floats are made of small integers: no NaN, whose bits engines may choose, is ever passed.
    private static string Value(string type, int shift)
    {
        string bits = $"(i64.rotl (local.get $h) (i64.const {shift}))";
        return type switch
        {
            "i32" => $"(i32.wrap_i64 {bits})",
            "f32" => $"(f32.convert_i32_s (i32.and (i32.wrap_i64 {bits}) (i32.const 65535)))",
            "f64" => $"(f64.convert_i32_s (i32.wrap_i64 {bits}))",
            "v128" => $"(i64x2.replace_lane 1 (i64x2.splat {bits}) (local.get $h))",
            _ => bits,
        };
    }

    private static string FromStack(string type) => type switch
    {
        "i32" => "i64.extend_i32_u",
        "f32" => "i32.reinterpret_f32 i64.extend_i32_u",
        "f64" => "i64.reinterpret_f64",
        "v128" => "(v128.const i64x2 3 5) i64x2.mul (v128.const i64x2 1 1) i64x2.add i64x2.extract_lane 1",
        _ => "",
    };
}
