// bimetal try FILE.wasm

using System.CommandLine;
using Bimetal.Meter.Demo;

namespace Bimetal.Commands;

internal static class TryCommand
{
    private const int DefaultPort = 8080;

    internal static ExampleCommand Create()
    {
        var file = new Argument<string>("FILE.wasm") { Description = "a proxy-wasm module, or a plugin folder, whose module is built if needed" };
        var upstream = new Option<string?>("--upstream") { Description = "where requests go, such as http://127.0.0.1:9000 (default: an upstream that shows what reached it)", HelpName = "URL" };
        var config = new Option<string?>("--config") { Description = "the plugin's configuration, verbatim (default: none, or that of the folder's first case)", HelpName = "TEXT" };
        var rootId = new Option<string?>("--root-id") { Description = "which of the plugins that the module registers by name", HelpName = "NAME" };
        var port = new Option<int>("--port") { Description = "port on loopback; a free one when it is in use", DefaultValueFactory = _ => DefaultPort, HelpName = "N" };
        var command = new ExampleCommand(
            "try",
            "Starts a proxy with one wasm plugin, sandboxed as a stranger's, and prints a receipt while requests come. No configuration.",
            "bimetal try plugin.wasm --config '{\"header\":\"x-device\"}'",
            "bimetal try plugins/ab-bucket --upstream http://127.0.0.1:9000") { file, upstream, config, rootId, port };
        var perfMap = new PerfMapFlag();
        perfMap.AddTo(command);
        command.SetAction(result =>
        {
            perfMap.Apply(result);
            var request = new TryRequest(result.GetRequiredValue(file), result.GetValue(upstream), result.GetValue(config), result.GetValue(rootId), result.GetValue(port));
            return TryCommandRunner.RunAsync(request, Console.Out, Console.Error);
        });
        return command;
    }
}
