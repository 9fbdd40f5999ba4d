// bimetal run CONFIG

using System.CommandLine;
using Bimetal.Gateway.Operation;

namespace Bimetal.Commands;

internal static class RunCommand
{
    internal static ExampleCommand Create()
    {
        var config = new Argument<string>("CONFIG") { Description = "the gateway's configuration (YAML)" };
        var perfMap = new PerfMapFlag();
        var command = new ExampleCommand("run", "Runs the gateway; SIGTERM or Ctrl-C drains and stops it.", "bimetal run gateway.yaml") { config };
        perfMap.AddTo(command);
        command.SetAction(result =>
        {
            perfMap.Apply(result);
            return GatewayCommandRunner.RunAsync(result.GetRequiredValue(config), Console.Error);
        });
        return command;
    }
}
