// bimetal build DIR | --from FILE.wasm

using System.CommandLine;
using Bimetal.Plugins.Bundles;

namespace Bimetal.Commands;

internal static class BuildCommand
{
    internal static ExampleCommand Create()
    {
        var folder = new Argument<string?>("DIR") { Description = "the plugin folder: plugin.yaml and sources", Arity = ArgumentArity.ZeroOrOne };
        var from = new Option<string?>("--from") { Description = "wraps a module that is there already, or the module of a bundle", HelpName = "FILE.wasm" };
        var targets = new Option<string?>("--targets")
        {
            Description = "wasm, linux-x64, linux-arm64, linux-musl-x64, linux-musl-arm64, separated by commas (default: all that can be built here)", HelpName = "T,…",
        };
        var output = new Option<string?>("-o") { Description = "where the bundle goes (default: DIR/build/NAME.bimetal, or beside FILE.wasm)", HelpName = "OUT.bimetal" };
        var key = new Option<string?>("--key") { Description = "a private key (PEM, P-256) that signs the bundle", HelpName = "KEY" };
        var command = new ExampleCommand(
            "build",
            "Builds a plugin into one bundle: a sandboxed .wasm with its machine code per architecture, and, where the language has one, a native .so per platform.",
            "bimetal build plugins/token-auth",
            "bimetal build plugins/token-auth --targets wasm,linux-arm64,linux-musl-x64 -o token-auth.bimetal --key builder.pem",
            "bimetal build --from vendor/plugin.wasm -o plugin.bimetal") { folder, from, targets, output, key };
        command.SetAction((result, cancellation) => BuildCommandRunner.RunAsync(
            new BuildRequest
            {
                Folder = result.GetValue(folder),
                From = result.GetValue(from),
                Targets = result.GetValue(targets)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [],
                Output = result.GetValue(output),
                Key = result.GetValue(key),
            },
            Console.Out,
            Console.Error,
            cancellation));
        return command;
    }
}
