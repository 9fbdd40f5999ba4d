// The script runner notices what is wrong: nothing may pass or vanish that did not hold.

using Bimetal.Testing;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Engine.Wast;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Engine.Tests;

public sealed class WastRunnerTests(EngineFixture engine) : IClassFixture<EngineFixture>
{
    [Fact]
    public void Run_AssertionsThatHold_Pass()
    {
        var (exitCode, output) = Run("""
            (module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))) (global (export "g") i64 (i64.const 7))
              (func (export "nan") (result f32) (f32.const -nan)) (func (export "lanes") (result v128) (v128.const f32x4 1 nan 2 3)))
            (assert_return (invoke "add" (i32.const 1) (i32.const -3)) (i32.const -2))
            (assert_return (get "g") (i64.const 7))
            (assert_return (invoke "nan") (f32.const nan:canonical))
            (assert_return (invoke "lanes") (v128.const f32x4 1 nan:arithmetic 2 3))
            (assert_malformed (module quote "(module") "unexpected token")
            (assert_invalid (module (func (result i32))) "type mismatch")
            (assert_unlinkable (module (import "spectest" "absent" (func))) "unknown import")
            (assert_trap (module (func unreachable) (start 0)) "unreachable")
            """);
        Assert.Equal("7 passed, 0 failed, 1 skipped\n", output);
        Assert.Equal(0, exitCode);
    }

    [Theory]
    [InlineData("(assert_return (invoke \"one\") (i32.const 2))", "assert_return invoke \"one\": expected i32:2, got i32:1")]
    [InlineData("(assert_return (invoke \"trap\"))", "assert_return invoke \"trap\": trapped: unreachable in trap at 0x")]
    [InlineData("(assert_trap (invoke \"one\") \"unreachable\")", "assert_trap invoke \"one\": returned i32:1, expected the trap \"unreachable\"")]
    [InlineData("(assert_trap (invoke \"trap\") \"integer overflow\")", "assert_trap invoke \"trap\": \"unreachable\", expected \"integer overflow\"")]
    [InlineData("(assert_exhaustion (invoke \"one\") \"call stack exhausted\")", "assert_exhaustion invoke \"one\": returned i32:1")]
    [InlineData("(assert_return (invoke \"nan\") (f32.const nan:canonical))", "assert_return invoke \"nan\": expected f32:nan:canonical, got f32:nan:0x600000")]
    [InlineData("(assert_return (invoke \"signalling\") (f32.const nan:arithmetic))", "assert_return invoke \"signalling\": expected f32:nan:arithmetic, got f32:nan:0x200000")]
    [InlineData("(assert_unlinkable (module (import \"spectest\" \"print\" (func))) \"unknown import\")", "assert_unlinkable: linked, expected \"unknown import\"")]
    [InlineData("(assert_unlinkable (module (import \"spectest\" \"print\" (func (param i32)))) \"unknown import\")", "assert_unlinkable: \"incompatible import type")]
    [InlineData("(assert_trap (module (func) (start 0)) \"unreachable\")", "assert_uninstantiable: instantiated, expected \"unreachable\"")]
    [InlineData("(invoke \"trap\")", "action invoke \"trap\": trapped: unreachable in trap at 0x")]
    public void Run_AssertionThatDoesNotHold_FailsWithItsLine(string assertion, string message)
    {
        var (exitCode, output) = Run($$"""
            (module (func (export "one") (result i32) (i32.const 1)) (func (export "trap") unreachable)
              (func (export "nan") (result f32) (f32.const nan:0x600000))
              (func (export "signalling") (result f32) (f32.const nan:0x200000)))
            {{assertion}}
            """);
        Assert.StartsWith("script.wast:4: " + message, output);
        Assert.EndsWith("\n0 passed, 1 failed, 0 skipped\n", output);
        Assert.Equal(1, exitCode);
    }

    // wast2json checks names itself, so these commands are written as the JSON that another tool could make.
    [Fact]
    public void Run_JsonWithUnknownNamesAndCommands_FailsThem()
    {
        engine.Write("script.0.wasm", Wat.ToWasm("(module (func (export \"one\") (result i32) (i32.const 1)))"));
        string path = engine.Write("script.json", """
            {"source_filename": "some/script.wast", "commands": [
              {"type": "module", "line": 1, "filename": "script.0.wasm"},
              {"type": "assert_return", "line": 2, "action": {"type": "invoke", "field": "absent", "args": []}, "expected": []},
              {"type": "assert_return", "line": 3, "action": {"type": "get", "field": "absent"}, "expected": []},
              {"type": "assert_return", "line": 4, "action": {"type": "invoke", "field": "one", "args": []}, "expected": []},
              {"type": "assert_return", "line": 5, "action": {"type": "invoke", "field": "one", "args": [{"type": "i32", "value": "0"}]}, "expected": []},
              {"type": "assert_return", "line": 6, "action": {"type": "invoke", "module": "$x", "field": "one", "args": []}, "expected": []},
              {"type": "assert_magic", "line": 7}]}
            """);
        var (exitCode, output) = RunFile(path);
        Assert.Equal(
            """
            script.wast:2: assert_return invoke "absent": no such exported function
            script.wast:3: assert_return get "absent": no such exported global
            script.wast:4: assert_return invoke "one": expected nothing, got i32:1
            script.wast:5: assert_return invoke "one": wrong arguments for () -> (i32)
            script.wast:6: assert_return invoke "one": there is no module $x
            script.wast:7: a command "assert_magic" is not known here
            0 passed, 6 failed, 0 skipped

            """,
            output);
        Assert.Equal(1, exitCode);
    }

    [Fact]
    public void Run_ModuleThatDoesNotLink_FailsEverythingBehindIt()
    {
        var (exitCode, output) = Run("""
            (module (func (export "f")))
            (module (import "absent" "f" (func)) (func (export "f")))
            (assert_return (invoke "f"))
            (assert_return (invoke "f"))
            (module (func (export "f")))
            (assert_return (invoke "f"))
            """);
        Assert.StartsWith("script.wast:2: module: unknown import", output);
        Assert.EndsWith("(3 commands)\n1 passed, 3 failed, 0 skipped\n", output);
        Assert.Equal(1, exitCode);
    }

    [Fact]
    public void Run_ModuleThatDoesNotCompile_IsNamedAndLeavesItsBatchAlone()
    {
        string path = engine.Write("script.wast", """
            (module (func (export "f") (result i32) (i32.const 1)))
            (assert_return (invoke "f") (i32.const 1))
            (module (func (export "poison")))
            (assert_return (invoke "poison"))
            (assert_return (invoke "poison"))
            (module (func (export "f") (result i32) (i32.const 3)))
            (assert_return (invoke "f") (i32.const 3))
            (module (func (export "f") (result i32) (i32.const 4)))
            (assert_return (invoke "f") (i32.const 4))
            """);
        var compiler = new ModuleCompiler(engine.Cache);
        var output = new StringWriter();
        WastCommandRunner.Run(new WastRequest { Paths = [path] }, CompileUnlessPoisoned, output, TextWriter.Null);
        Assert.Equal("script.wast:3: module: does not compile: no such instruction (3 commands)\n3 passed, 3 failed, 0 skipped\n", output.ToString());

        CompiledImage CompileUnlessPoisoned(IReadOnlyList<WasmModule> modules) => modules.Any(module => module.Exports[0].Name == "poison")
            ? throw new NotSupportedException("no such instruction")
            : compiler.Compile(modules, new CompileOptions());
    }

    [Fact]
    public void Run_RegisteredModules_ShareMemoryTablesAndGlobals()
    {
        var (_, output) = Run("""
            (module $a (memory (export "m") 1) (table (export "t") 1 funcref) (global (export "g") (mut i32) (i32.const 5))
              (func (export "peek") (result i32) (i32.load (i32.const 0))) (func (export "call") (result i32) (call_indirect (result i32) (i32.const 0))))
            (register "a" $a)
            (module $b (import "a" "m" (memory 1)) (import "a" "t" (table 1 funcref)) (import "a" "g" (global $g (mut i32))) (elem (i32.const 0) $f)
              (func $f (result i32) (global.get $g))
              (func (export "poke") (i32.store (i32.const 0) (i32.const 42)) (global.set $g (i32.const 6))))
            (invoke $b "poke")
            (assert_return (invoke $a "peek") (i32.const 42))
            (assert_return (get $a "g") (i32.const 6))
            (assert_return (invoke $a "call") (i32.const 6))
            """);
        Assert.Equal("3 passed, 0 failed, 0 skipped\n", output);
    }

    [Fact]
    public void Run_NoSuchPath_IsWrongUsage()
    {
        var error = new StringWriter();
        int exitCode = WastCommandRunner.Run(new WastRequest { Paths = ["/nonexistent.wast"] }, TextWriter.Null, error);
        Assert.Equal("/nonexistent.wast: no such file or folder\n", error.ToString());
        Assert.Equal(2, exitCode);
    }

    [Fact]
    public void Run_TextThatIsNoScript_IsNamed()
    {
        string path = engine.Write("broken.wast", "(module (func");
        var error = new StringWriter();
        int exitCode = WastCommandRunner.Run(new WastRequest { Paths = [path] }, TextWriter.Null, error);
        Assert.StartsWith($"{path}: wast2json refuses it: ", error.ToString());
        Assert.Equal(2, exitCode);
    }

    private (int ExitCode, string Output) Run(string script) => RunFile(engine.Write("script.wast", script));

    private (int ExitCode, string Output) RunFile(string path)
    {
        var output = new StringWriter();
        int exitCode = WastCommandRunner.Run(new WastRequest { Paths = [path], Cache = engine.Cache, Threads = 1 }, output, output);
        return (exitCode, output.ToString());
    }
}
