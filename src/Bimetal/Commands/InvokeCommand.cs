// bimetal invoke FILE.wasm EXPORT [ARGS…]

using System.CommandLine;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Engine.Invoke;

namespace Bimetal.Commands;

internal static class InvokeCommand
{
    private const int MaximumCalls = 1_000_000;

    internal static ExampleCommand Create()
    {
        var file = new Argument<string>("FILE.wasm") { Description = "the module" };
        var export = new Argument<string>("EXPORT") { Description = "the exported function; _start runs a WASI program" };
        var arguments = new Argument<string[]>("ARGS")
        {
            Description = "its arguments: integers (decimal or 0x…), floats (1.5, inf, nan, nan:0x…); everything after EXPORT is an argument",
            Arity = ArgumentArity.ZeroOrMore,
            CaptureRemainingTokens = true,
        };
        var environment = new Option<string[]>("--env") { Description = "an environment entry of a WASI program; nothing is inherited", HelpName = "NAME=VALUE" };
        var cpuLimit = new Option<int?>("--cpu-limit-ms") { Description = "CPU time that the call may take, in milliseconds", HelpName = "MS" };
        var repeat = new Option<int>("--repeat") { Description = "call the export this often in one instance; the last call's results are printed", HelpName = "N", DefaultValueFactory = _ => 1 };
        repeat.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > MaximumCalls) result.AddError($"--repeat is a number from 1 to {MaximumCalls}");
        });
        var time = new Option<bool>("--time") { Description = "print the nanoseconds of the fastest and of the median call as the last line" };
        var stages = new Option<bool>("--stages") { Description = "print the time of each stage of loading to the error output" };
        var perfMap = new PerfMapFlag();
        var options = new CompileFlags();
        var command = new ExampleCommand(
            "invoke",
            "Runs an export of a module with typed arguments and prints its results.",
            "bimetal invoke math.wasm add 2 40",
            "bimetal invoke --env HOME=/ program.wasm _start first-argument",
            "bimetal invoke --repeat 100 --time math.wasm add 2 40") { file, export, arguments, environment, cpuLimit, repeat, time, stages };
        options.AddTo(command, withTarget: false);
        options.AddLimitsTo(command);
        perfMap.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(cpuLimit) is not null && !options.CanBeStopped(result)) result.AddError("nothing would stop the code at --cpu-limit-ms: take --interrupt signal or poll");
        });
        command.SetAction(result =>
        {
            perfMap.Apply(result);
            return InvokeCommandRunner.Run(Request(result), Console.Out, Console.Error);
        });
        return command;

        InvokeRequest Request(ParseResult result) => new()
        {
            File = result.GetRequiredValue(file),
            Export = result.GetRequiredValue(export),
            Arguments = result.GetValue(arguments) ?? [],
            Environment = result.GetValue(environment) ?? [],
            Compile = options.Read(result),
            MayCheckBounds = options.MayCheckBounds(result),
            Limits = options.ReadLimits(result),
            Cache = CodeCache.ForUser(),
            CpuLimit = result.GetValue(cpuLimit) is { } limitMs ? TimeSpan.FromMilliseconds(limitMs) : null,
            StandardInput = Console.OpenStandardInput(),
            StandardOutput = Console.OpenStandardOutput(),
            StandardError = Console.OpenStandardError(),
            ShowStages = result.GetValue(stages),
            CallCount = result.GetValue(repeat),
            ShowTime = result.GetValue(time),
        };
    }
}
