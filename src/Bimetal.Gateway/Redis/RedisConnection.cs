// One connection to a Redis server: commands go out in the order of their coming, many at a time, and replies come back in that order.

using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace Bimetal.Gateway.Redis;

/// <summary>Thread-safe. Once broken it stays so: every command that waits, and every later one, gets null.</summary>
internal sealed class RedisConnection : IDisposable
{
    /// <summary>Commands that may wait for a reply; further ones get null at once.</summary>
    public const int MaximumPending = 4096;

    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly TimeProvider _time;
    private readonly TimeSpan _timeout;
    private readonly Lock _gate = new();
    private readonly Queue<Pending> _pending = new();
    private readonly TaskCompletionSource<string> _broken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ArrayBufferWriter<byte> _collected = new();
    private ArrayBufferWriter<byte> _sending = new();
    private bool _isWriting;
    private string? _problem;

    /// <param name="timeout">Of each command; when the oldest one gets no reply in that time, the connection is given up.</param>
    public RedisConnection(Socket socket, TimeSpan timeout, TimeProvider time)
    {
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: true);
        _timeout = timeout;
        _time = time;
        _ = ReadAsync();
        _ = WatchAsync();
    }

    /// <summary>Ends when the connection does, with the reason.</summary>
    public Task<string> Broken => _broken.Task;

    /// <summary>Sends one command; its reply, or null when there will be none.</summary>
    public Task<RespValue?> SendAsync(ReadOnlySpan<byte> command)
    {
        var reply = new TaskCompletionSource<RespValue?>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_problem is not null || _pending.Count >= MaximumPending) return Task.FromResult<RespValue?>(null);
            _pending.Enqueue(new Pending(reply, _time.GetTimestamp()));
            _collected.Write(command);
            if (_isWriting) return reply.Task;
            _isWriting = true;
        }

        _ = WriteAsync();
        return reply.Task;
    }

    public void Dispose() => Break("closed");

    public void Break(string problem)
    {
        Pending[] waiting;
        lock (_gate)
        {
            if (_problem is not null) return;
            _problem = problem;
            waiting = [.. _pending];
            _pending.Clear();
        }

        _stream.Dispose();
        foreach (var command in waiting) command.Reply.TrySetResult(null);
        _broken.TrySetResult(problem);
    }

    // What is collected while a write is under way goes out with the next one.
    private async Task WriteAsync()
    {
        try
        {
            while (true)
            {
                lock (_gate)
                {
                    if (_collected.WrittenCount == 0 || _problem is not null)
                    {
                        _isWriting = false;
                        return;
                    }

                    (_collected, _sending) = (_sending, _collected);
                }

                await _stream.WriteAsync(_sending.WrittenMemory);
                _sending.ResetWrittenCount();
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            Break("sending failed: " + exception.Message);
        }
    }

    private async Task ReadAsync()
    {
        var reader = PipeReader.Create(_stream, new StreamPipeReaderOptions(leaveOpen: true));
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync();
                var data = read.Buffer;
                if (!TakeReplies(ref data)) return;
                reader.AdvanceTo(data.Start, data.End);
                if (!read.IsCompleted) continue;
                Break("the server closed the connection");
                return;
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException)
        {
            Break("receiving failed: " + exception.Message);
        }
    }

    private bool TakeReplies(ref ReadOnlySequence<byte> data)
    {
        while (!data.IsEmpty)
        {
            var result = RespReader.TryRead(ref data, out var value);
            if (result == RespResult.NeedsMore) return true;
            Pending command = default;
            bool isAsked;
            lock (_gate) isAsked = result == RespResult.Done && _pending.TryDequeue(out command);
            if (!isAsked)
            {
                Break(result == RespResult.Done ? "the server sent a reply that nobody asked for" : "the server broke the protocol");
                return false;
            }

            command.Reply.TrySetResult(value);
        }

        return true;
    }

    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(_timeout / 2);
        while (!_broken.Task.IsCompleted)
        {
            await timer.WaitForNextTickAsync();
            bool isLate;
            lock (_gate) isLate = _pending.TryPeek(out var oldest) && _time.GetElapsedTime(oldest.SentAt) >= _timeout;
            if (isLate) Break($"no reply within {_timeout.TotalMilliseconds} ms");
        }
    }

    private readonly record struct Pending(TaskCompletionSource<RespValue?> Reply, long SentAt);
}
