// What filters take, by name: recorded of those exchanges that are observed anyway, and of one in sixty-four.

using System.Collections.Concurrent;
using Bimetal.Plugins;

namespace Bimetal.Gateway.Telemetry;

/// <summary>Thread-safe.</summary>
internal sealed class FilterTimes
{
    /// <summary>One exchange in this many has its filters timed.</summary>
    public const int SampleEvery = 64;

    [ThreadStatic]
    private static int s_exchanges;

    private readonly ConcurrentDictionary<string, TimeHistogram> _times = new(StringComparer.Ordinal);

    public IEnumerable<(string Filter, TimeHistogram Times)> All => _times.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => (pair.Key, pair.Value));

    /// <summary>Null when none was timed.</summary>
    public TimeHistogram? Find(string filter) => _times.GetValueOrDefault(filter);

    /// <summary>Whether it is this exchange's turn; counted by thread.</summary>
    public static bool IsTurn() => (++s_exchanges & (SampleEvery - 1)) == 0;

    /// <summary>Names are those of the configuration: few.</summary>
    public TimeHistogram Of(string filter) => _times.GetOrAdd(filter, static _ => new TimeHistogram());
}
