// bimetal bench-process KIND DIR: what `bench` starts to see how long a fresh process takes. Not listed: nobody else needs it.

using System.CommandLine;
using Bimetal.Meter.Cold;

namespace Bimetal.Commands;

internal static class BenchProcessCommand
{
    internal static Command Create()
    {
        var kind = new Argument<string>("KIND").AcceptOnlyFromAmong(ProcessWorker.Kinds);
        var folder = new Argument<string>("DIR");
        var command = new Command(ProcessWorker.CommandName, "Loads a plugin, serves one of its cases, and says what that took of memory.") { kind, folder };
        command.Hidden = true;
        command.SetAction((result, cancellation) =>
            ProcessWorker.RunAsync(result.GetRequiredValue(kind), result.GetRequiredValue(folder), Console.Out, Console.Error, cancellation));
        return command;
    }
}
