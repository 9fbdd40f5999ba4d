// bimetal check CONFIG

using System.CommandLine;
using Bimetal.Gateway.Operation;

namespace Bimetal.Commands;

internal static class CheckCommand
{
    internal static ExampleCommand Create()
    {
        var config = new Argument<string>("CONFIG") { Description = "the gateway's configuration (YAML)" };
        var command = new ExampleCommand("check", "Reads a configuration, opens its plugins, and reports every error with its line, and settings that a plugin's metal cannot honour.", "bimetal check gateway.yaml") { config };
        command.SetAction(result => GatewayCommandRunner.Check(result.GetRequiredValue(config), Console.Out, Console.Error));
        return command;
    }
}
