// Where the time of a run goes, by stage: whoever waits for the bench, or wants to make it shorter, sees what for.

using System.Diagnostics;

namespace Bimetal.Meter.Bench;

/// <summary>Adds up seconds by stage. Stages do not nest.</summary>
internal sealed class RunTimes
{
    private readonly Dictionary<string, double> _seconds = [];

    /// <summary>By stage, the longest first; those below a tenth of a second are left out.</summary>
    public IReadOnlyDictionary<string, double> Seconds => _seconds.Where(pair => pair.Value >= 0.1).OrderByDescending(pair => pair.Value).ToDictionary(pair => pair.Key, pair => Math.Round(pair.Value, 1));

    public Task TimeAsync(string stage, Func<Task> work) => TimeAsync(stage, async () =>
    {
        await work();
        return true;
    });

    public async Task<T> TimeAsync<T>(string stage, Func<Task<T>> work)
    {
        long started = Stopwatch.GetTimestamp();
        try
        {
            return await work();
        }
        finally
        {
            _seconds[stage] = _seconds.GetValueOrDefault(stage) + Stopwatch.GetElapsedTime(started).TotalSeconds;
        }
    }
}
