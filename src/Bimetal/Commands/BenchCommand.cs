// bimetal bench [TASK|DIR|CONFIG …] · bench --pair A.wasm,B.so --export NAME --args … · bench --source FILE.c --export NAME --args …

using System.CommandLine;
using Bimetal.Meter.Bench;
using Bimetal.Meter.Functions;

namespace Bimetal.Commands;

internal static class BenchCommand
{
    internal static ExampleCommand Create()
    {
        var plugins = new Argument<string[]>("TASK|DIR|CONFIG") { Description = "reference plugins by name, plugin folders, or configurations (.yaml) for their plugins (default: all reference plugins)", Arity = ArgumentArity.ZeroOrMore };
        var full = new Option<bool>("--full") { Description = "as many rounds, loads and processes as good intervals need, and scaling; about a minute a plugin, and says first how long" };
        var json = new Option<string?>("--json") { Description = "where the report goes as JSON (schema bimetal.bench/1)", HelpName = "FILE" };
        var html = new Option<string?>("--html") { Description = "where the report goes as one page with charts", HelpName = "FILE" };
        var markdown = new Option<string?>("--markdown") { Description = "a document whose generated table is rewritten", HelpName = "FILE" };
        var compare = new Option<string?>("--compare") { Description = "an earlier JSON report: exit 1 when something got slower beyond noise", HelpName = "OLD.json" };
        var pair = new Option<string?>("--pair") { Description = "one function in both metals, no plugin needed; your own code: the .so runs without a sandbox", HelpName = "A.wasm,B.so" };
        var source = new Option<string?>("--source") { Description = "a C file that is built for both metals", HelpName = "FILE.c" };
        var export = new Option<string?>("--export") { Description = "the function's name in both", HelpName = "NAME" };
        var arguments = new Option<string[]>("--args") { Description = "its arguments: integers (decimal or 0x…), floats", HelpName = "ARG", AllowMultipleArgumentsPerToken = true };
        var command = new ExampleCommand(
            "bench",
            "Measures what a plugin or a function costs on each metal on this machine: taxes, receipts, and the claims.",
            "bimetal bench token-auth image-meta --json out.json --html out.html",
            "bimetal bench my-plugin/ --full --compare old.json",
            "bimetal bench --source math.c --export hypotenuse --args 3 4.5") { plugins, full, json, html, markdown, compare, pair, source, export, arguments };
        command.Validators.Add(result =>
        {
            bool isFunction = result.GetValue(pair) is not null || result.GetValue(source) is not null;
            if (result.GetValue(pair) is not null && result.GetValue(source) is not null) result.AddError("--pair and --source exclude each other");
            if (result.GetValue(pair) is { } files && FunctionRequest.ReadPair(files) is null) result.AddError($"--pair is A.wasm,B.so, not '{files}'");
            if (isFunction && result.GetValue(export) is null) result.AddError("--pair and --source need --export NAME");
            if (isFunction && result.GetValue(plugins) is { Length: > 0 }) result.AddError("--pair and --source measure a function; leave out the plugins");
            if (!isFunction && (result.GetValue(export) is not null || result.GetValue(arguments) is { Length: > 0 })) result.AddError("--export and --args belong to --pair or --source");
        });
        command.SetAction((result, cancellation) =>
        {
            var outputs = new BenchOutputs(result.GetValue(json), result.GetValue(html), result.GetValue(markdown), result.GetValue(compare));
            if (result.GetValue(pair) is null && result.GetValue(source) is null)
                return BenchCommandRunner.RunAsync(result.GetValue(plugins) ?? [], result.GetValue(full), outputs, Console.Out, Console.Error, cancellation);
            var files = result.GetValue(pair) is { } text ? FunctionRequest.ReadPair(text) : null;
            var request = new FunctionRequest
            {
                Source = result.GetValue(source),
                WasmPath = files?.Wasm,
                NativePath = files?.Native,
                Export = result.GetValue(export)!,
                Arguments = result.GetValue(arguments) ?? [],
                IsFull = result.GetValue(full),
            };
            return BenchCommandRunner.RunFunctionAsync(request, outputs, Console.Out, Console.Error, cancellation);
        });
        return command;
    }
}
