// The words for an errno from the shim.

using System.Runtime.InteropServices;

namespace Bimetal.Wasm.Runtime;

internal static class ErrorText
{
    public static string Of(int errno) => $"{Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})";
}
