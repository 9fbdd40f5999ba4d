// bimetal demo [--once]

using System.CommandLine;
using Bimetal.Meter.Demo;

namespace Bimetal.Commands;

internal static class DemoCommand
{
    private const int DefaultPort = 8080;

    internal static ExampleCommand Create()
    {
        var once = new Option<bool>("--once") { Description = "send hundreds of good, bad and hostile requests through both metals, compare, print receipts, and end" };
        var port = new Option<int>("--port") { Description = "port on loopback; a free one when it is in use", DefaultValueFactory = _ => DefaultPort, HelpName = "N" };
        var command = new ExampleCommand(
            "demo",
            "Starts a gateway with one native and one wasm plugin before a small upstream; prints what to try.",
            "bimetal demo",
            "bimetal demo --once") { once, port };
        command.SetAction(result => result.GetValue(once)
            ? DemoCommandRunner.RunOnceAsync(Console.Out, Console.Error)
            : DemoCommandRunner.RunAsync(result.GetValue(port), Console.Out, Console.Error));
        return command;
    }
}
