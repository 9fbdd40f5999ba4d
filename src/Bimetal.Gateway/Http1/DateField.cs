// The Date field as bytes, made once a second: for responses that came without one (RFC 9110, section 6.6.1).

using System.Buffers.Text;

namespace Bimetal.Gateway.Http1;

internal static class DateField
{
    private static Stamp s_stamp = new(0, []);

    public static ReadOnlySpan<byte> Value
    {
        get
        {
            var now = DateTimeOffset.UtcNow;
            long second = now.Ticks / TimeSpan.TicksPerSecond;
            var stamp = Volatile.Read(ref s_stamp);
            if (stamp.Second == second) return stamp.Text;
            byte[] text = new byte[29];
            Utf8Formatter.TryFormat(now, text, out _, 'R');
            Volatile.Write(ref s_stamp, new Stamp(second, text));
            return text;
        }
    }

    private sealed record Stamp(long Second, byte[] Text);
}
