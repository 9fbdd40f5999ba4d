// Times the stages of a load one after the other.

using System.Diagnostics;

namespace Bimetal.Wasm.Engine;

internal sealed class StageClock
{
    private readonly List<(string Stage, TimeSpan Time)> _stages = [];

    internal IReadOnlyList<(string Stage, TimeSpan Time)> Stages => _stages;

    internal T Measure<T>(string stage, Func<T> work)
    {
        long start = Stopwatch.GetTimestamp();
        var result = work();
        _stages.Add((stage, Stopwatch.GetElapsedTime(start)));
        return result;
    }

    internal void Add(IEnumerable<(string Stage, TimeSpan Time)> stages) => _stages.AddRange(stages);
}
