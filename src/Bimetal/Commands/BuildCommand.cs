// bimetal build DIR

using System.CommandLine;
using Bimetal.Plugins.Bundles;

namespace Bimetal.Commands;

internal static class BuildCommand
{
    internal static ExampleCommand Create()
    {
        var folder = new Argument<string>("DIR") { Description = "the plugin folder: plugin.yaml and sources" };
        var targets = new Option<string?>("--targets") { Description = "wasm, linux-x64, linux-arm64, separated by commas (default: both metals of this machine)", HelpName = "T,…" };
        var command = new ExampleCommand(
            "build",
            "Builds a plugin folder into DIR/build: one source, a sandboxed .wasm and, where the language has one, a native .so.",
            "bimetal build plugins/token-auth",
            "bimetal build plugins/token-auth --targets wasm,linux-arm64") { folder, targets };
        command.SetAction((result, cancellation) => BuildCommandRunner.RunAsync(
            result.GetRequiredValue(folder),
            result.GetValue(targets)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [],
            Console.Out,
            Console.Error,
            cancellation));
        return command;
    }
}
