// bimetal wast PATH…

using System.CommandLine;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Engine.Wast;

namespace Bimetal.Commands;

internal static class WastCommand
{
    internal static ExampleCommand Create()
    {
        var paths = new Argument<string[]>("PATH") { Description = ".wast files, .json files made by wast2json, or folders of either", Arity = ArgumentArity.OneOrMore };
        var noCache = new Option<bool>("--no-cache") { Description = "compile even if the code cache has the result" };
        var options = new CompileFlags();
        var command = new ExampleCommand(
            "wast",
            "Runs scripts of the WebAssembly test suite; the last line is `N passed, N failed, N skipped`.",
            "bimetal wast testsuite/",
            "bimetal wast i32.wast memory_trap.wast") { paths, noCache };
        options.AddTo(command, withTarget: false);
        command.SetAction(result => WastCommandRunner.Run(
            new WastRequest
            {
                Paths = result.GetRequiredValue(paths),
                Compile = options.Read(result),
                Cache = result.GetValue(noCache) ? null : CodeCache.ForUser(),
                Threads = Environment.ProcessorCount,
                ShowProgress = !Console.IsErrorRedirected,
            },
            Console.Out,
            Console.Error));
        return command;
    }
}
