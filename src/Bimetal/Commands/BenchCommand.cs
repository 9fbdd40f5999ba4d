// bimetal bench [TASK|DIR|CONFIG …]

using System.CommandLine;
using Bimetal.Meter.Bench;

namespace Bimetal.Commands;

internal static class BenchCommand
{
    internal static ExampleCommand Create()
    {
        var plugins = new Argument<string[]>("TASK|DIR|CONFIG") { Description = "reference plugins by name, plugin folders, or configurations (.yaml) for their plugins (default: all reference plugins)", Arity = ArgumentArity.ZeroOrMore };
        var full = new Option<bool>("--full") { Description = "as many rounds, loads and processes as good intervals need; takes many minutes" };
        var json = new Option<string?>("--json") { Description = "where the report goes as JSON (schema bimetal.bench/1)", HelpName = "FILE" };
        var markdown = new Option<string?>("--markdown") { Description = "a document whose generated table is rewritten", HelpName = "FILE" };
        var command = new ExampleCommand(
            "bench",
            "Measures what a plugin costs on each metal on this machine: call tax, request tax, and a receipt.",
            "bimetal bench token-auth image-meta --json out.json",
            "bimetal bench my-plugin/ --full") { plugins, full, json, markdown };
        command.SetAction((result, cancellation) => BenchCommandRunner.RunAsync(
            result.GetValue(plugins) ?? [], result.GetValue(full), result.GetValue(json), result.GetValue(markdown), Console.Out, Console.Error, cancellation));
        return command;
    }
}
