// limits.memory: what the whole process takes, whoever took it (buffers, held bodies, plugins and their memories, the heap), as the kernel counts it. Looked
// at several times a second; between two looks the limits of each part hold.

using System.Buffers.Text;
using Bimetal.Gateway.Telemetry;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Limits;

/// <summary>Thread-safe; lives as long as the gateway.</summary>
internal sealed class MemoryWatch : IDisposable
{
    private readonly ILogger _log;
    private readonly Timer _timer;
    private long _limitBytes = long.MaxValue;
    private long _collectedAtMs;
    private int _isLooking;
    private volatile bool _isFull;

    public MemoryWatch(ILogger log)
    {
        _log = log;
        _timer = new Timer(_ => Look());
    }

    /// <summary>More is in use than the limit allows: nothing is begun, and nothing more is held.</summary>
    public bool IsFull => _isFull;

    /// <summary>Of the configuration in force; null: none.</summary>
    public long? LimitBytes
    {
        get => Interlocked.Read(ref _limitBytes) is var limit && limit == long.MaxValue ? null : limit;
        set
        {
            Interlocked.Exchange(ref _limitBytes, value ?? long.MaxValue);
            Look();
            var interval = value is null ? Timeout.InfiniteTimeSpan : GatewayLimits.MemoryLook;
            _timer.Change(interval, interval);
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        if (Interlocked.Exchange(ref _isLooking, 1) != 0) return;
        long limit = Interlocked.Read(ref _limitBytes), used = limit == long.MaxValue ? 0 : ResidentBytes();
        if (used > limit && Environment.TickCount64 - _collectedAtMs > (long)GatewayLimits.MemoryCollection.TotalMilliseconds)
        {
            // Who begins nothing allocates nothing, and garbage would never be collected.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            _collectedAtMs = Environment.TickCount64;
            used = ResidentBytes();
        }

        bool isFull = used > limit;
        if (isFull && !_isFull) GatewayLog.MemoryFull(_log, used >> 20, limit >> 20);
        if (!isFull && _isFull) GatewayLog.MemoryFree(_log, used >> 20);
        _isFull = isFull;
        Volatile.Write(ref _isLooking, 0);
    }

    // The second number of statm, in pages.
    private static long ResidentBytes()
    {
        Span<byte> text = stackalloc byte[128];
        try
        {
            using var file = File.OpenHandle("/proc/self/statm");
            text = text[..RandomAccess.Read(file, text, 0)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return 0;
        }

        text = text[(text.IndexOf((byte)' ') + 1)..];
        return Utf8Parser.TryParse(text, out long pages, out _) ? pages * Environment.SystemPageSize : 0;
    }
}
