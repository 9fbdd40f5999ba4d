// bimetal test DIR

using System.CommandLine;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Commands;

internal static class TestCommand
{
    internal static ExampleCommand Create()
    {
        var folder = new Argument<string>("DIR") { Description = "the plugin folder, with cases/" };
        var metal = new Option<string?>("--metal") { Description = "only this metal (default: both, compared byte for byte)" }.AcceptOnlyFromAmong("native", "wasm");
        var target = new Option<string?>("--target") { Description = "runs on that platform: linux-musl-x64 through musl's loader, linux-arm64 and linux-musl-arm64 under emulation (default: this one)", HelpName = "T" };
        var json = new Option<string?>("--json") { Description = "where the counts go as JSON", HelpName = "FILE" };
        var command = new ExampleCommand(
            "test",
            "Runs the cases of a plugin folder on the metals that it has, and compares what they do.",
            "bimetal test plugins/token-auth",
            "bimetal test plugins/image-meta --metal wasm --json result.json",
            "bimetal test plugins/token-auth --target linux-arm64") { folder, metal, target, json };
        command.SetAction((result, cancellation) => TestCommandRunner.RunAsync(
            result.GetRequiredValue(folder),
            result.GetValue(metal) switch { "native" => [Metal.Native], "wasm" => [Metal.Wasm], _ => [Metal.Native, Metal.Wasm] },
            result.GetValue(target),
            result.GetValue(json),
            Console.Out,
            Console.Error,
            cancellation));
        return command;
    }
}
