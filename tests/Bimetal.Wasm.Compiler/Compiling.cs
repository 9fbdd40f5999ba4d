// Text to validated module, image and disassembly, as the tests of the compiler need them.

using System.Diagnostics;
using Bimetal.Testing;
using Bimetal.Wasm.Decoding;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Validation;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

namespace Bimetal.Wasm.Compiler.Tests;

internal static class Compiling
{
    internal static WasmModule Module(string wat)
    {
        var module = ModuleDecoder.Decode(Wat.ToWasm(wat), DecodeLimits.Default, out var error) ?? throw new WasmModuleException(error!);
        return ModuleValidator.Validate(module) is { } fault ? throw new WasmModuleException(fault) : module;
    }

    /// <summary>Compiles for x64, so that tests see the same code everywhere.</summary>
    internal static CompileOptions Options => new() { Target = TargetPlatform.LinuxX64 };

    internal static string Ir(string wat, CompileOptions? options = null) => string.Concat(ModuleCompiler.EmitIr([Module(wat)], options ?? Options));

    internal static byte[] Image(string wat, CompileOptions? options = null) =>
        new ModuleCompiler().Compile([Module(wat)], options ?? Options, TestContext.Current.CancellationToken).Bytes.ToArray();

    /// <summary>Runs a tool and returns what it prints; fails the test when the tool does.</summary>
    internal static string Run(string tool, params string[] arguments)
    {
        var start = new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{tool}: {errors.Result}");
        return output;
    }

    /// <summary>Names of the functions of an image that was compiled with <see cref="CompileOptions.KeepSymbols"/>.</summary>
    internal static IReadOnlyList<string> Symbols(byte[] image)
    {
        using var folder = new TemporaryFolder();
        string[] lines = Run("llvm-nm-19", folder.Write("image.so", image)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. lines.Select(line => line.Split(' ')[^1])];
    }

    internal static string Disassembly(byte[] image)
    {
        using var folder = new TemporaryFolder();
        return Run("llvm-objdump-19", "-d", "--no-show-raw-insn", "--no-leading-addr", folder.Write("image.so", image));
    }
}
