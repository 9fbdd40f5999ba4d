// Status lines as bytes, made once.

using System.Text;
using Microsoft.AspNetCore.WebUtilities;

namespace Bimetal.Gateway.Http1;

internal static class StatusLines
{
    private const int First = 200, Last = 599;

    private static readonly byte[]?[] s_lines = new byte[]?[Last - First + 1];

    /// <param name="status">200 to 599.</param>
    public static ReadOnlySpan<byte> Of(int status)
    {
        ref byte[]? line = ref s_lines[status - First];
        return line ??= Encoding.ASCII.GetBytes($"HTTP/1.1 {status} {ReasonPhrases.GetReasonPhrase(status)}\r\n");
    }
}
