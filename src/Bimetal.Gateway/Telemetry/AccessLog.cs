// The access log: one JSON object per line. Exchanges append to a buffer in memory and never wait for the disk; one task writes it out.

using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Bimetal.Gateway.Limits;

namespace Bimetal.Gateway.Telemetry;

/// <summary>Thread-safe. What is pending at <see cref="DisposeAsync"/> is written first.</summary>
internal sealed class AccessLog : IAsyncDisposable
{
    private static readonly TimeSpan WriteInterval = TimeSpan.FromMilliseconds(100);

    private readonly Stream _target;
    private readonly Lock _gate = new();
    private readonly Utf8JsonWriter _writer = new(Stream.Null, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _writing;
    private ArrayBufferWriter<byte> _pending = new(64 << 10);
    private ArrayBufferWriter<byte> _spare = new(64 << 10);
    private long _droppedLines;

    /// <param name="target">Owned by the log from now on.</param>
    public AccessLog(Stream target)
    {
        _target = target;
        _writing = Task.Run(WriteOutAsync);
    }

    /// <summary>Lines that were thrown away because the target was too slow.</summary>
    public long DroppedLines => Interlocked.Read(ref _droppedLines);

    public void Write(in AccessLogEntry entry)
    {
        lock (_gate)
        {
            if (_pending.WrittenCount >= GatewayLimits.AccessLogPendingBytes) _droppedLines++;
            else entry.Write(_pending, _writer);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();

        // Whoever reads our standard output can have stopped reading: that must not keep the gateway from stopping.
        if (await Task.WhenAny(_writing, Task.Delay(GatewayLimits.AccessLogLastWrite)) != _writing) return;
        await _writing;
        await _target.DisposeAsync();
        await _writer.DisposeAsync();
        _stop.Dispose();
    }

    private async Task WriteOutAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            await Task.Delay(WriteInterval, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await WritePendingAsync();
        }
    }

    private async Task WritePendingAsync()
    {
        ArrayBufferWriter<byte> full;
        lock (_gate)
        {
            if (_pending.WrittenCount == 0) return;
            full = _pending;
            _pending = _spare;
        }

        try
        {
            await _target.WriteAsync(full.WrittenMemory);
            await _target.FlushAsync();
        }
        catch (IOException)
        {
            // A full disk or a closed pipe must not stop traffic; the lines are lost, and counted.
            Interlocked.Increment(ref _droppedLines);
        }

        full.ResetWrittenCount();
        _spare = full;
    }
}
