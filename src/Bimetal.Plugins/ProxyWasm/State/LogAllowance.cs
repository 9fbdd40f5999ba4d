// limits.log_rate: how much of what a plugin logs is written. A plugin that logs without end costs itself its lines, not the gateway its disk.

namespace Bimetal.Plugins.ProxyWasm.State;

/// <summary>Counts the bytes of each second. Thread-safe.</summary>
internal sealed class LogAllowance
{
    private readonly Lock _lock = new();
    private long _secondBegan;
    private long _usedBytes;
    private long _leftOut;

    /// <summary>Whether a line may be written now.</summary>
    /// <param name="leftOut">Lines that were left out since the last line that could be written; 0 in all but a few cases.</param>
    public bool TryTake(int lengthBytes, int bytesPerSecond, TimeProvider time, out long leftOut)
    {
        leftOut = 0;
        lock (_lock)
        {
            if (time.GetElapsedTime(_secondBegan) >= TimeSpan.FromSeconds(1))
            {
                _secondBegan = time.GetTimestamp();
                _usedBytes = 0;
            }

            if (lengthBytes > bytesPerSecond - _usedBytes)
            {
                _leftOut++;
                return false;
            }

            _usedBytes += lengthBytes;
            (leftOut, _leftOut) = (_leftOut, 0);
            return true;
        }
    }
}
