// The access log: one line per exchange. Exchanges append to a buffer in memory and never wait for the disk; one task writes it out.

using System.Buffers;
using Bimetal.Gateway.Limits;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Telemetry;

/// <summary>Thread-safe. What is pending at <see cref="DisposeAsync"/> is written first.</summary>
internal sealed class AccessLog : IAsyncDisposable
{
    private static readonly TimeSpan WriteInterval = TimeSpan.FromMilliseconds(100);

    private readonly Func<Stream> _open;
    private readonly bool _canReopen;
    private readonly AccessLogFormat _format;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _writing;
    private Stream _target;
    private ArrayBufferWriter<byte> _pending = new(64 << 10);
    private ArrayBufferWriter<byte> _spare = new(64 << 10);
    private int _pendingLines;
    private long _droppedLines;
    private volatile bool _shallReopen;

    /// <param name="open">Opens the target; called now, and again after <see cref="Reopen"/>.</param>
    /// <param name="format">Owned by the log from now on.</param>
    public AccessLog(Func<Stream> open, AccessLogFormat format, ILogger log)
    {
        _open = open;
        _format = format;
        _log = log;
        _target = open();
        _canReopen = _target is FileStream;
        _writing = Task.Run(WriteOutAsync);
    }

    /// <summary>Lines that were thrown away because the target was too slow or failed.</summary>
    public long DroppedLines => Interlocked.Read(ref _droppedLines);

    public void Write(in AccessLogEntry entry)
    {
        lock (_gate)
        {
            if (_pending.WrittenCount >= GatewayLimits.AccessLogPendingBytes)
            {
                _droppedLines++;
                return;
            }

            _format.Write(entry, _pending);
            _pendingLines++;
        }
    }

    /// <summary>Closes the file and opens its name again before the next line is written: whoever rotates logs has renamed it.</summary>
    public void Reopen() => _shallReopen = true;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();

        // Whoever reads our standard output can have stopped reading: that must not keep the gateway from stopping.
        if (await Task.WhenAny(_writing, Task.Delay(GatewayLimits.AccessLogLastWrite)) != _writing) return;
        await _writing;
        await _target.DisposeAsync();
        _format.Dispose();
        _stop.Dispose();
    }

    private async Task WriteOutAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            await Task.Delay(WriteInterval, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_shallReopen) await ReopenNowAsync();
            await WritePendingAsync();
        }

        // What came since that last look; all of it, where the end came before the first.
        await WritePendingAsync();
    }

    private async Task ReopenNowAsync()
    {
        _shallReopen = false;
        if (!_canReopen) return;
        try
        {
            var next = _open();
            await _target.DisposeAsync();
            _target = next;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The old file takes the lines as long as the new one cannot be opened.
            GatewayLog.AccessLogNotReopened(_log, exception.Message);
        }
    }

    private async Task WritePendingAsync()
    {
        ArrayBufferWriter<byte> full;
        int lines;
        lock (_gate)
        {
            if (_pending.WrittenCount == 0) return;
            (full, lines) = (_pending, _pendingLines);
            (_pending, _pendingLines) = (_spare, 0);
        }

        try
        {
            await _target.WriteAsync(full.WrittenMemory);
            await _target.FlushAsync();
        }
        catch (IOException)
        {
            // A full disk or a closed pipe must not stop traffic; the lines are lost, and counted.
            Interlocked.Add(ref _droppedLines, lines);
        }

        full.ResetWrittenCount();
        _spare = full;
    }
}
