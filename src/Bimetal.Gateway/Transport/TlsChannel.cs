// TLS over a TCP connection on a loop. A read of the TLS stream cannot be taken back without breaking it, so one that is cancelled goes on into
// this channel's own buffer, and the next read gets what it found: no byte is lost.

using System.Net.Security;
using System.Security.Authentication;

namespace Bimetal.Gateway.Transport;

internal sealed class TlsChannel : Channel, IChannelWatcher, IDisposable
{
    private readonly SocketChannel _socket;
    private readonly SslStream _tls;
    private readonly bool _isClient;
    private readonly LoopSignal _reading = new();
    private Memory<byte> _readBuffer;
    private byte[]? _buffer;
    private int _start;
    private int _end;
    private Exception? _error;
    private bool _waitsOnly;
    private bool _isFilling;
    private bool _isOver;
    private bool _isClosed;
    private bool _isWriting;

    private TlsChannel(SocketChannel socket, bool isClient)
    {
        _socket = socket;
        _isClient = isClient;
        _tls = new SslStream(new ChannelStream(socket), leaveInnerStreamOpen: true);
    }

    public override EventLoop Loop => _socket.Loop;

    public override bool IsClosed => _isClosed || _socket.IsClosed;

    public override bool IsWriting => _isWriting;

    public override IChannelWatcher? Watcher { get; set; }

    /// <summary>What the handshake came to.</summary>
    public SslStream Session => _tls;

    /// <summary>The server's side of the handshake, within a time.</summary>
    /// <param name="choose">Gives the options by what the client said first.</param>
    /// <exception cref="IOException">There is no TLS connection; the socket is closed.</exception>
    public static ValueTask<TlsChannel> AcceptAsync(SocketChannel socket, ServerOptionsSelectionCallback choose, TimeSpan timeout) =>
        new TlsChannel(socket, isClient: false).HandshakeAsync(tls => tls.AuthenticateAsServerAsync(choose, null), timeout);

    /// <summary>The client's side of the handshake, within a time.</summary>
    /// <exception cref="IOException">There is no TLS connection; the socket is closed.</exception>
    /// <exception cref="TimeoutException">The other side took too long.</exception>
    public static ValueTask<TlsChannel> ConnectAsync(SocketChannel socket, SslClientAuthenticationOptions options, TimeSpan? timeout) =>
        new TlsChannel(socket, isClient: true).HandshakeAsync(tls => tls.AuthenticateAsClientAsync(options), timeout);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer)
    {
        if (_start < _end) return new ValueTask<int>(Take(buffer));
        if (_isOver) return new ValueTask<int>(0);
        if ((_error ?? (IsClosed ? SocketErrors.Closed() : null)) is { } error) return ValueTask.FromException<int>(error);
        _readBuffer = buffer;
        _waitsOnly = false;
        var result = _reading.Wait();
        Fill();
        return result;
    }

    public override ValueTask<int> WaitReadableAsync()
    {
        if (_start < _end || _isOver || _error is not null) return new ValueTask<int>(0);
        if (IsClosed) return ValueTask.FromException<int>(SocketErrors.Closed());
        _waitsOnly = true;
        var result = _reading.Wait();
        Fill();
        return result;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        if (IsClosed) throw SocketErrors.Closed();
        _isWriting = true;
        try
        {
            await _tls.WriteAsync(bytes);
        }
        catch (Exception exception) when (exception is ObjectDisposedException or InvalidOperationException)
        {
            throw new IOException(exception.Message, exception);
        }
        finally
        {
            _isWriting = false;
        }
    }

    public override void CancelRead()
    {
        if (!_reading.IsPending) return;
        _readBuffer = default;
        _reading.Complete(ReadCancelled);
    }

    public override async ValueTask ShutdownAsync()
    {
        if (IsClosed) return;
        await SayGoodbyeAsync();
        await _socket.ShutdownAsync();
    }

    public override void Close()
    {
        if (_isClosed) return;

        // Without a word at the end the other side could not tell a whole response from one that was cut off.
        if (!_isWriting && _tls.IsAuthenticated && !_socket.IsClosed) _ = SayGoodbyeAsync();
        End(isAbort: false);
    }

    public void Dispose() => Close();

    public override void Abort()
    {
        if (!_isClosed) End(isAbort: true);
    }

    // Nobody reads: the end of the connection is told at once. A server's tickets and key updates are no data, which only a read can tell.
    void IChannelWatcher.OnPeerClosed() => Watcher?.OnPeerClosed();

    void IChannelWatcher.OnUnexpectedData()
    {
        if (_isClient) Fill();
        else Watcher?.OnUnexpectedData();
    }

    private async ValueTask<TlsChannel> HandshakeAsync(Func<SslStream, Task> handshake, TimeSpan? timeout)
    {
        bool isLate = false;
        var deadline = new CallbackDeadline(() =>
        {
            isLate = true;
            _socket.Close();
        });
        if (timeout is { } limit)
        {
            deadline.Set(Loop.NowMs + (long)limit.TotalMilliseconds);
            Loop.Add(deadline, isCoarse: true);
        }

        try
        {
            await handshake(_tls);
            _socket.Watcher = this;
            return this;
        }
        catch (Exception exception) when (exception is IOException or AuthenticationException or ObjectDisposedException or InvalidOperationException or NotSupportedException or OperationCanceledException)
        {
            End(isAbort: false);
            if (isLate) throw new TimeoutException("no TLS handshake in time", exception);
            throw new IOException("TLS: " + (exception.InnerException?.Message ?? exception.Message), exception);
        }
        finally
        {
            deadline.Leave();
        }
    }

    private async Task SayGoodbyeAsync()
    {
        try
        {
            await _tls.ShutdownAsync();
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException or AuthenticationException)
        {
            // The other side is gone already.
        }
    }

    private void End(bool isAbort)
    {
        _isClosed = true;
        _error ??= SocketErrors.Closed();
        if (isAbort) _socket.Abort();
        else _socket.Close();
        _tls.Dispose();
        if (!_isFilling) ReleaseBuffer();
        if (_reading.IsPending) _reading.Fail(_error);
    }

    private int Take(Memory<byte> buffer)
    {
        int count = Math.Min(buffer.Length, _end - _start);
        _buffer.AsMemory(_start, count).CopyTo(buffer);
        _start += count;
        if (_start == _end) ReleaseBuffer();
        return count;
    }

    private void ReleaseBuffer()
    {
        if (_buffer is not null) Loop.Buffers.Return(_buffer);
        _buffer = null;
        _start = _end = 0;
    }

    /// <summary>Reads until something is there; one at a time.</summary>
    private void Fill()
    {
        if (!_isFilling && !_isOver && _error is null && _start == _end) _ = FillAsync();
    }

    // Never throws: what goes wrong is told to the next read.
    private async Task FillAsync()
    {
        _isFilling = true;
        try
        {
            // First without a buffer: an idle connection holds none.
            if (await _tls.ReadAsync(Memory<byte>.Empty) == 0 && _isClosed) return;
            _buffer ??= Loop.Buffers.Rent(BufferPool.MediumBytes);
            _end = await _tls.ReadAsync(_buffer);
            _isOver = _end == 0;
        }
        catch (Exception exception)
        {
            _error ??= exception as IOException ?? new IOException(exception.Message, exception);
        }
        finally
        {
            _isFilling = false;
            if (_isClosed || _end == 0) ReleaseBuffer();
        }

        Tell();
    }

    private void Tell()
    {
        if (!_reading.IsPending)
        {
            if (_isClosed) return;
            if (_isOver || _error is not null) Watcher?.OnPeerClosed();
            else if (_isClient) Watcher?.OnUnexpectedData();
        }
        else if (_waitsOnly)
        {
            _reading.Complete(0);
        }
        else if (_error is not null)
        {
            _reading.Fail(_error);
        }
        else
        {
            // What waits runs within the completion, and may read again.
            var buffer = _readBuffer;
            _readBuffer = default;
            _reading.Complete(_isOver ? 0 : Take(buffer));
        }
    }
}
