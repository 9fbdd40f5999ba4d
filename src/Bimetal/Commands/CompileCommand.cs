// bimetal compile IN.wasm

using System.CommandLine;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Engine.Compile;

namespace Bimetal.Commands;

internal static class CompileCommand
{
    internal static ExampleCommand Create()
    {
        var file = new Argument<string>("IN.wasm") { Description = "the module" };
        var output = new Option<string?>("-o", "--output") { Description = "where the code image goes", HelpName = "OUT" };
        var noCache = new Option<bool>("--no-cache") { Description = "compile even if the code cache has the result" };
        var json = new Option<bool>("--json") { Description = "print sizes, times and the key as JSON" };
        var options = new CompileFlags();
        var command = new ExampleCommand(
            "compile",
            "Compiles a module ahead of time; prints sizes, time per stage and the cache key.",
            "bimetal compile plugin.wasm",
            "bimetal compile plugin.wasm -o plugin.code --cpu x86-64-v3 --mode relaxed",
            "bimetal compile plugin.wasm -o plugin.arm64.code --target linux-arm64") { file, output, noCache, json };
        options.AddTo(command, withTarget: true);
        options.AddLimitsTo(command);
        command.SetAction(result => CompileCommandRunner.Run(
            new CompileRequest
            {
                File = result.GetRequiredValue(file),
                Output = result.GetValue(output),
                Compile = options.Read(result),
                Limits = options.ReadLimits(result),
                WritesJson = result.GetValue(json),
                ShowProgress = !Console.IsErrorRedirected,
                Cache = result.GetValue(noCache) ? null : CodeCache.ForUser(),
            },
            Console.Out,
            Console.Error));
        return command;
    }
}
