// The sending side of one HTTP/2 connection: frames are collected while a write is under way and leave with the next one.

using System.Buffers;
using Bimetal.Gateway.Http2;
using Bimetal.Gateway.Transport;

namespace Bimetal.Gateway.Upstreams.Http2;

/// <summary>Used by one loop.</summary>
internal sealed class FrameOutput(Channel channel)
{
    /// <summary>What may wait of frames that nobody waits for: answers to pings and settings, windows. Above it the other side floods us.</summary>
    private const int MaximumWaitingBytes = 256 << 10;

    private ArrayBufferWriter<byte> _waiting = new();
    private ArrayBufferWriter<byte> _leaving = new();
    private Task _writing = Task.CompletedTask;

    /// <summary>Adds a frame; it leaves with the next flush.</summary>
    public void Add(FrameType type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        if (_waiting.WrittenCount > MaximumWaitingBytes) throw new Http2FormatException(Http2Error.EnhanceYourCalm, "more answers to write than are taken");
        new FrameHead(payload.Length, type, flags, stream).Write(_waiting);
        _waiting.Write(payload);
    }

    /// <summary>Done when everything that was added has been written.</summary>
    /// <exception cref="IOException">The connection broke.</exception>
    public Task FlushAsync() => _writing.IsCompletedSuccessfully ? _writing = WriteAsync() : _writing;

    private async Task WriteAsync()
    {
        while (_waiting.WrittenCount > 0)
        {
            (_waiting, _leaving) = (_leaving, _waiting);
            await channel.WriteAsync(_leaving.WrittenMemory);
            _leaving.ResetWrittenCount();
        }
    }
}
