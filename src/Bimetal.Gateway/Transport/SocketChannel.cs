// A TCP connection on a loop: non-blocking, edge-triggered. Reads are tried only when the kernel said that there is something, so a
// request and its response cost one receive and one send on each side.

using System.Net;
using System.Runtime.InteropServices;

namespace Bimetal.Gateway.Transport;

internal sealed class SocketChannel : Channel
{
    private readonly Events _events;
    private readonly LoopSignal _reading = new();
    private readonly LoopSignal _writing = new();
    private Memory<byte> _readBuffer;
    private ReadOnlyMemory<byte> _unwritten;
    private int _descriptor;
    private bool _waitsOnly;
    private bool _mayRead;
    private bool _mayWrite = true;
    private bool _isPeerClosed;

    /// <param name="descriptor">Non-blocking; owned by the channel from now on.</param>
    public SocketChannel(EventLoop loop, int descriptor)
    {
        Loop = loop;
        _descriptor = descriptor;
        _events = new Events(this);
    }

    public override EventLoop Loop { get; }

    public override bool IsClosed => _descriptor < 0;

    public override bool IsWriting => _writing.IsPending;

    public override IChannelWatcher? Watcher { get; set; }

    public int Descriptor => _descriptor;

    /// <summary>Starts to watch the socket; call it on the loop.</summary>
    public bool TryStart()
    {
        const uint interest = LinuxCalls.EventIn | LinuxCalls.EventOut | LinuxCalls.EventPeerClosed | LinuxCalls.EventEdge;
        if (Loop.TryAdd(_events, _descriptor, interest)) return true;
        CloseDescriptor();
        return false;
    }

    /// <summary>Connects; started already when this returns.</summary>
    /// <exception cref="IOException">Nobody answers there.</exception>
    public static async ValueTask<SocketChannel> ConnectAsync(EventLoop loop, IPEndPoint endpoint, TimeSpan? timeout)
    {
        int descriptor = LinuxCalls.CreateSocket(
            endpoint.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? LinuxCalls.FamilyInet6 : LinuxCalls.FamilyInet,
            LinuxCalls.TypeStream | LinuxCalls.NonBlocking | LinuxCalls.CloseOnExec, 0);
        if (descriptor < 0) throw SocketErrors.Last();
        var channel = new SocketChannel(loop, descriptor) { _mayWrite = false };
        channel.SetNoDelay();
        var address = endpoint.Serialize();
        bool isUnderWay = LinuxCalls.Connect(descriptor, ref address.Buffer.Span[0], address.Size) < 0;
        if (isUnderWay && Marshal.GetLastPInvokeError() != LinuxCalls.ErrorInProgress)
        {
            var error = SocketErrors.Last();
            channel.CloseDescriptor();
            throw error;
        }

        if (!channel.TryStart()) throw SocketErrors.Last();
        if (isUnderWay) await channel.WaitForConnectionAsync(timeout);
        return channel;
    }

    public void SetNoDelay()
    {
        int on = 1;
        LinuxCalls.SetOption(_descriptor, LinuxCalls.LevelTcp, LinuxCalls.OptionNoDelay, ref on, sizeof(int));
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer)
    {
        if (_descriptor < 0) return ValueTask.FromException<int>(SocketErrors.Closed());
        if (_mayRead && TryReceive(buffer.Span, out int count, out var error)) return error is null ? new ValueTask<int>(count) : ValueTask.FromException<int>(error);
        _readBuffer = buffer;
        _waitsOnly = false;
        return _reading.Wait();
    }

    public override ValueTask<int> WaitReadableAsync()
    {
        if (_descriptor < 0) return ValueTask.FromException<int>(SocketErrors.Closed());
        if (_mayRead) return new ValueTask<int>(0);
        _waitsOnly = true;
        return _reading.Wait();
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        if (_descriptor < 0) return ValueTask.FromException(SocketErrors.Closed());
        if (TrySend(ref bytes, out var error)) return error is null ? ValueTask.CompletedTask : ValueTask.FromException(error);
        _unwritten = bytes;
        return _writing.WaitOnly();
    }

    public override void CancelRead()
    {
        if (!_reading.IsPending) return;
        _readBuffer = default;
        _reading.Complete(ReadCancelled);
    }

    public override ValueTask ShutdownAsync()
    {
        if (_descriptor >= 0) LinuxCalls.Shutdown(_descriptor, LinuxCalls.ShutdownWrite);
        return ValueTask.CompletedTask;
    }

    public override void Close()
    {
        if (_descriptor < 0) return;
        CloseDescriptor();
        if (_reading.IsPending) _reading.Fail(SocketErrors.Closed());
        if (_writing.IsPending) _writing.Fail(SocketErrors.Closed());
    }

    public override void Abort()
    {
        if (_descriptor < 0) return;
        ulong lingerForNoTime = 1; // struct linger: on, for zero seconds; closing sends a reset then
        LinuxCalls.SetOption(_descriptor, LinuxCalls.LevelSocket, LinuxCalls.OptionLinger, ref MemoryMarshal.Cast<ulong, int>(new Span<ulong>(ref lingerForNoTime))[0], sizeof(ulong));
        Close();
    }

    private async ValueTask WaitForConnectionAsync(TimeSpan? timeout)
    {
        bool isLate = false;
        var deadline = new CallbackDeadline(() =>
        {
            isLate = true;
            Close();
        });
        if (timeout is { } limit)
        {
            deadline.Set(Loop.NowMs + (long)limit.TotalMilliseconds);
            Loop.Add(deadline, isCoarse: false);
        }

        try
        {
            await _writing.WaitOnly();
        }
        catch (IOException exception) when (isLate)
        {
            throw new TimeoutException("no connection within the connect timeout", exception);
        }
        finally
        {
            deadline.Leave();
        }

        int error = 0, length = sizeof(int);
        LinuxCalls.GetOption(_descriptor, LinuxCalls.LevelSocket, LinuxCalls.OptionError, ref error, ref length);
        if (error == 0) return;
        Close();
        throw SocketErrors.Of(error);
    }

    private void OnEvents(uint mask)
    {
        const uint ends = LinuxCalls.EventPeerClosed | LinuxCalls.EventHangUp | LinuxCalls.EventError;
        if ((mask & (LinuxCalls.EventOut | LinuxCalls.EventHangUp | LinuxCalls.EventError)) != 0) OnWritable();
        if (_descriptor < 0 || (mask & (LinuxCalls.EventIn | ends)) == 0) return;
        _mayRead = true;
        _isPeerClosed |= (mask & ends) != 0;
        if (_reading.IsPending) OnReadable();
        else if (_isPeerClosed) Watcher?.OnPeerClosed();
        else Watcher?.OnUnexpectedData();
    }

    private void OnReadable()
    {
        if (_waitsOnly)
        {
            _reading.Complete(0);
            return;
        }

        if (!TryReceive(_readBuffer.Span, out int count, out var error)) return;
        _readBuffer = default;
        if (error is null) _reading.Complete(count);
        else _reading.Fail(error);
    }

    private void OnWritable()
    {
        _mayWrite = true;
        if (!_writing.IsPending || !TrySend(ref _unwritten, out var error)) return;
        _unwritten = default;
        if (error is null) _writing.Complete(0);
        else _writing.Fail(error);
    }

    /// <summary>False when it would have to wait.</summary>
    private bool TryReceive(Span<byte> buffer, out int count, out IOException? error)
    {
        error = null;
        count = 0;
        if (buffer.IsEmpty) return true;
        while (true)
        {
            nint received = LinuxCalls.Receive(_descriptor, ref MemoryMarshal.GetReference(buffer), buffer.Length, 0);
            if (received >= 0)
            {
                count = (int)received;

                // Less than there was room for: the rest comes with the next event, and so does the end, unless it has been announced.
                if (count < buffer.Length && !_isPeerClosed) _mayRead = false;
                return true;
            }

            int code = Marshal.GetLastPInvokeError();
            if (code == LinuxCalls.ErrorInterrupted) continue;
            if (code == LinuxCalls.ErrorAgain)
            {
                _mayRead = false;
                return false;
            }

            error = SocketErrors.Of(code);
            return true;
        }
    }

    /// <summary>False when the rest has to wait.</summary>
    private bool TrySend(ref ReadOnlyMemory<byte> bytes, out IOException? error)
    {
        error = null;
        while (_mayWrite && !bytes.IsEmpty)
        {
            nint sent = LinuxCalls.Send(_descriptor, ref MemoryMarshal.GetReference(bytes.Span), bytes.Length, LinuxCalls.MessageNoSignal);
            if (sent >= 0)
            {
                bytes = bytes[(int)sent..];
                continue;
            }

            int code = Marshal.GetLastPInvokeError();
            if (code == LinuxCalls.ErrorInterrupted) continue;
            if (code != LinuxCalls.ErrorAgain)
            {
                error = SocketErrors.Of(code);
                return true;
            }

            _mayWrite = false;
        }

        return bytes.IsEmpty && _mayWrite;
    }

    private void CloseDescriptor()
    {
        int descriptor = _descriptor;
        if (descriptor < 0) return;
        _descriptor = -1;
        Loop.Remove(_events);
        LinuxCalls.Close(descriptor);
    }

    private sealed class Events(SocketChannel channel) : LoopHandler
    {
        public override void OnEvents(uint mask) => channel.OnEvents(mask);
    }
}
