// Makes the process ready for guests: signal handlers and watchdog, once, after the .NET runtime has installed its own handlers.

namespace Bimetal.Wasm.Runtime;

/// <summary>What the runtime set up in this process; for `doctor`.</summary>
public static class TrapSupport
{
    private static readonly Lock Gate = new();
    private static volatile bool _isReady;

    /// <summary>Number of the real-time signal by which the watchdog stops guests.</summary>
    public static int DeadlineSignal
    {
        get
        {
            EnsureReady();
            return Shim.DeadlineSignal();
        }
    }

    public static RestoreMethod RestoreMethod
    {
        get
        {
            EnsureReady();
            return (RestoreMethod)Shim.CurrentRestoreMethod();
        }
    }

    /// <summary>CPU time of the calling thread, the clock that <see cref="CallLimits.Cpu"/> is measured on.</summary>
    public static TimeSpan ThreadCpuTime => TimeSpan.FromTicks((long)(Shim.ThreadCpuNs() / 100));

    internal static void EnsureReady()
    {
        if (_isReady) return;
        lock (Gate)
        {
            if (_isReady) return;
            int error = Shim.Initialize();
            if (error != 0) throw new InvalidOperationException($"The trap handlers cannot be installed: {ErrorText.Of(error)}. Guests cannot run in this process.");
            _isReady = true;
        }
    }
}
