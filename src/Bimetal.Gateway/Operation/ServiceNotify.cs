// Tells systemd how the gateway is doing: sd_notify(3), datagrams of KEY=VALUE lines to the socket that NOTIFY_SOCKET names.

using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Bimetal.Gateway.Operation;

/// <summary>Thread-safe. What cannot be sent is dropped: a service manager that went away must not stop traffic.</summary>
internal sealed class ServiceNotify : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
    private readonly UnixDomainSocketEndPoint _manager;
    private Timer? _watchdog;

    private ServiceNotify(string path) => _manager = new UnixDomainSocketEndPoint(path[0] == '@' ? "\0" + path[1..] : path);

    /// <summary>Null when no service manager asked to be told.</summary>
    /// <param name="variable">Gives an environment variable.</param>
    public static ServiceNotify? FromEnvironment(Func<string, string?> variable)
    {
        if (variable("NOTIFY_SOCKET") is not { Length: > 1 } path || path[0] is not ('/' or '@')) return null;
        var notify = new ServiceNotify(path);
        bool isForUs = variable("WATCHDOG_PID") is not { Length: > 0 } pid || pid == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        if (isForUs && long.TryParse(variable("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out long limitUs) && limitUs > 0)
            notify.StartWatchdog(TimeSpan.FromMicroseconds(limitUs) / 2);
        return notify;
    }

    public void Ready(string status) => Send($"READY=1\nSTATUS={status}\n");

    /// <summary>A reload began; <see cref="Ready"/> ends it. systemd compares the time with that of its own signal (Type=notify-reload).</summary>
    public void Reloading() => Send(string.Create(CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000)}\n"));

    public void Stopping() => Send("STOPPING=1\nSTATUS=draining\n");

    public void Dispose()
    {
        _watchdog?.Dispose();
        _socket.Dispose();
    }

    // On the thread pool, which is what serves requests: when it is stuck the beats stay away, and the service manager restarts us.
    private void StartWatchdog(TimeSpan interval) => _watchdog = new Timer(_ => Send("WATCHDOG=1\n"), null, interval, interval);

    private void Send(string lines)
    {
        try
        {
            _socket.SendTo(Encoding.UTF8.GetBytes(lines), _manager);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // See above.
        }
    }
}
