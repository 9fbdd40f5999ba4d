// The system calls that the event loops make. .NET's own socket engine would hand every readiness from its thread to another one and
// try each receive twice; a loop that owns its sockets needs the calls themselves. Everything else about sockets goes through .NET.

using System.Runtime.InteropServices;

namespace Bimetal.Gateway.Transport;

/// <summary>Linux, by file descriptor. All return -1 and set the last P/Invoke error when they fail.</summary>
internal static partial class LinuxCalls
{
    public const uint EventIn = 0x1, EventOut = 0x4, EventError = 0x8, EventHangUp = 0x10, EventPeerClosed = 0x2000, EventEdge = 1u << 31;
    public const int ControlAdd = 1;
    public const int CloseOnExec = 0x80000, NonBlocking = 0x800;
    public const int ErrorInterrupted = 4, ErrorAgain = 11, ErrorAborted = 103, ErrorInProgress = 115;
    public const int MessageNoSignal = 0x4000;
    public const int ShutdownWrite = 1;
    public const int LevelSocket = 1, OptionError = 4, OptionLinger = 13, OptionReusePort = 15, LevelTcp = 6, OptionNoDelay = 1;
    public const int FamilyInet = 2, FamilyInet6 = 10, TypeStream = 1;

    private const string Library = "libc";

    [LibraryImport(Library, EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial int CreateEpoll(int flags);

    [LibraryImport(Library, EntryPoint = "epoll_ctl", SetLastError = true)]
    public static partial int ControlEpoll(int epoll, int operation, int descriptor, ref byte entry);

    [LibraryImport(Library, EntryPoint = "epoll_wait", SetLastError = true)]
    public static partial int WaitEpoll(int epoll, ref byte entries, int count, int timeoutMs);

    [LibraryImport(Library, EntryPoint = "eventfd", SetLastError = true)]
    public static partial int CreateEvent(uint initial, int flags);

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int descriptor, ref byte buffer, nint count);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int descriptor, ref byte buffer, nint count);

    [LibraryImport(Library, EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(int descriptor, ref byte buffer, nint count, int flags);

    [LibraryImport(Library, EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(int descriptor, ref byte buffer, nint count, int flags);

    [LibraryImport(Library, EntryPoint = "socket", SetLastError = true)]
    public static partial int CreateSocket(int family, int type, int protocol);

    [LibraryImport(Library, EntryPoint = "connect", SetLastError = true)]
    public static partial int Connect(int descriptor, ref byte address, int length);

    [LibraryImport(Library, EntryPoint = "accept4", SetLastError = true)]
    public static partial int Accept(int descriptor, ref byte address, ref int length, int flags);

    [LibraryImport(Library, EntryPoint = "getsockname", SetLastError = true)]
    public static partial int LocalAddress(int descriptor, ref byte address, ref int length);

    [LibraryImport(Library, EntryPoint = "shutdown", SetLastError = true)]
    public static partial int Shutdown(int descriptor, int how);

    [LibraryImport(Library, EntryPoint = "getsockopt", SetLastError = true)]
    public static partial int GetOption(int descriptor, int level, int name, ref int value, ref int length);

    [LibraryImport(Library, EntryPoint = "setsockopt", SetLastError = true)]
    public static partial int SetOption(int descriptor, int level, int name, ref int value, int length);

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);
}
