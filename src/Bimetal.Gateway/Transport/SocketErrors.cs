// Error numbers of system calls as exceptions.

using System.Runtime.InteropServices;

namespace Bimetal.Gateway.Transport;

internal static class SocketErrors
{
    public static IOException Last() => Of(Marshal.GetLastPInvokeError());

    public static IOException Of(int code) => new(Marshal.GetPInvokeErrorMessage(code), code);

    public static IOException Closed() => new("the connection was closed");
}
