// --perf-map, shared by the commands that run guests.

using System.CommandLine;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Commands;

internal sealed class PerfMapFlag
{
    private readonly Option<bool> _option = new("--perf-map") { Description = "write /tmp/perf-PID.map, so that `perf` shows guest functions by name (or BIMETAL_PERF_MAP=1)" };

    internal void AddTo(Command command) => command.Add(_option);

    /// <summary>Before the first module is loaded.</summary>
    internal void Apply(ParseResult result)
    {
        if (!result.GetValue(_option)) return;
        PerfMap.IsOn = true;
        Console.Error.WriteLine($"guest functions for perf: {PerfMap.Location}");
    }
}
