// A listening socket on a loop.

using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Bimetal.Gateway.Transport;

/// <summary>Accepts until it is closed.</summary>
/// <param name="socket">Bound, listening, not blocking; owned from now on.</param>
/// <param name="onAccepted">Given a descriptor that it owns, the client's address and ours.</param>
internal sealed class Acceptor(EventLoop loop, Socket socket, Action<int, IPEndPoint?, IPEndPoint?> onAccepted) : LoopHandler
{
    // When no descriptor is free, the connections wait in the kernel's queue, whose edge has passed.
    private const int RetryMs = 100;

    private readonly byte[] _address = new byte[SocketAddresses.MaximumBytes];
    private CallbackDeadline? _retry;

    public Task StartAsync()
    {
        _retry = new CallbackDeadline(AcceptAll);
        loop.Add(_retry, isCoarse: true);
        if (!loop.TryAdd(this, (int)socket.Handle, LinuxCalls.EventIn | LinuxCalls.EventEdge)) throw SocketErrors.Last();
        AcceptAll();
        return Task.CompletedTask;
    }

    public void Close()
    {
        _retry?.Leave();
        loop.Remove(this);
        socket.Dispose();
    }

    public override void OnEvents(uint mask) => AcceptAll();

    private void AcceptAll()
    {
        while (Slot >= 0)
        {
            int length = _address.Length;
            int descriptor = LinuxCalls.Accept((int)socket.Handle, ref _address[0], ref length, LinuxCalls.NonBlocking | LinuxCalls.CloseOnExec);
            if (descriptor >= 0)
            {
                var source = SocketAddresses.Read(_address.AsSpan(0, Math.Min(length, _address.Length)));
                onAccepted(descriptor, source, LocalAddress(descriptor));
                continue;
            }

            int error = Marshal.GetLastPInvokeError();
            if (error == LinuxCalls.ErrorAgain) return;
            if (error is LinuxCalls.ErrorInterrupted or LinuxCalls.ErrorAborted) continue; // a client that left before it was accepted
            _retry!.Set(loop.NowMs + RetryMs);
            return;
        }
    }

    private IPEndPoint? LocalAddress(int descriptor)
    {
        int length = _address.Length;
        return LinuxCalls.LocalAddress(descriptor, ref _address[0], ref length) < 0 ? null : SocketAddresses.Read(_address.AsSpan(0, Math.Min(length, _address.Length)));
    }
}
