// The clock of all measurements: monotonic, and aware of what reading it costs.

using System.Diagnostics;

namespace Bimetal.Meter.Workloads;

/// <summary>Ticks of <see cref="Stopwatch"/> to microseconds.</summary>
public sealed class MeterClock
{
    private const int CalibrationReads = 20_000;

    private MeterClock(double readTicks) => ReadTicks = readTicks;

    /// <summary>What an empty interval shows: the cost of one reading, in ticks. The least that was seen, so never too much is taken off.</summary>
    public double ReadTicks { get; }

    public double ReadNanoseconds => ReadTicks * 1e9 / Stopwatch.Frequency;

    public static MeterClock Calibrate()
    {
        long least = long.MaxValue;
        for (int read = 0; read < CalibrationReads; read++)
        {
            long start = Stopwatch.GetTimestamp();
            least = Math.Min(least, Stopwatch.GetTimestamp() - start);
        }

        return new MeterClock(least);
    }

    /// <summary>A sum of intervals, with the reading of the clock in each of them taken off.</summary>
    public double Microseconds(long ticks, int intervals) => Math.Max(0, ticks - (ReadTicks * intervals)) * 1e6 / Stopwatch.Frequency;
}
