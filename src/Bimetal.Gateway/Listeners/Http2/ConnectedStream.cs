// A stream of HTTP/2 that carries another protocol (RFC 8441), as a channel: what Kestrel gives after it was accepted.

using Bimetal.Gateway.Transport;
using Microsoft.AspNetCore.Http.Features;

namespace Bimetal.Gateway.Listeners.Http2;

/// <summary>Used by the thread of its loop.</summary>
internal sealed class ConnectedStream(IHttpExtendedConnectFeature connect, IHttpResponseBodyFeature response, IHttpRequestLifetimeFeature lifetime, EventLoop loop) : Channel
{
    private Stream? _stream;
    private bool _isReadOver;
    private bool _isWriteOver;
    private bool _isAborted;

    public override EventLoop Loop => loop;

    public override bool IsClosed => _isAborted || lifetime.RequestAborted.IsCancellationRequested;

    public override bool IsWriting => false;

    /// <summary>Somebody reads as long as there is a tunnel.</summary>
    public override IChannelWatcher? Watcher { get; set; }

    /// <summary>Sends the answer's head; the client's bytes come from now on.</summary>
    public async ValueTask AcceptAsync() => _stream = await connect.AcceptAsync();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer)
    {
        int count = await ReadFromStreamAsync(buffer);
        _isReadOver |= count == 0;
        return count;
    }

    // A read of nothing waits for something.
    public override ValueTask<int> WaitReadableAsync() => ReadFromStreamAsync(Memory<byte>.Empty);

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await Open().WriteAsync(bytes);
        }
        catch (Exception exception) when (exception is OperationCanceledException or InvalidOperationException)
        {
            throw new IOException(exception.Message, exception);
        }
    }

    public override void CancelRead() => Close();

    public override async ValueTask ShutdownAsync()
    {
        _isWriteOver = true;
        await response.CompleteAsync();
    }

    public override void Close()
    {
        if (!_isReadOver || !_isWriteOver) Abort();
    }

    public override void Abort()
    {
        if (_isAborted) return;
        _isAborted = true;
        lifetime.Abort();
    }

    private async ValueTask<int> ReadFromStreamAsync(Memory<byte> buffer)
    {
        try
        {
            return await Open().ReadAsync(buffer);
        }
        catch (Exception exception) when (exception is OperationCanceledException or InvalidOperationException)
        {
            throw new IOException(exception.Message, exception);
        }
    }

    private Stream Open() => _isAborted ? throw new IOException("the stream is closed") : _stream ?? throw new InvalidOperationException("The stream was not accepted.");
}
