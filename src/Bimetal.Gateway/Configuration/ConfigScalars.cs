// How durations, sizes and addresses are written in a configuration.

using System.Globalization;
using System.Net;

namespace Bimetal.Gateway.Configuration;

internal static class ConfigScalars
{
    public const string DurationRemedy = "write a number with us, ms, s, m or h, such as 500us or 10s";
    public const string SizeRemedy = "write a number with B, KiB, MiB or GiB, such as 16MiB";
    public const string AddressRemedy = "write an IP address and a port, such as 127.0.0.1:8080, [::1]:8080 or *:8080";

    /// <summary>Longest duration that any key takes: timers count milliseconds in 32 bits.</summary>
    public static readonly TimeSpan MaximumDuration = TimeSpan.FromDays(24);

    // Longer suffixes first: "ms" ends in "s" as well.
    private static readonly (string Suffix, double Ticks)[] DurationUnits =
    [
        ("us", TimeSpan.TicksPerMicrosecond), ("ms", TimeSpan.TicksPerMillisecond), ("s", TimeSpan.TicksPerSecond),
        ("m", TimeSpan.TicksPerMinute), ("h", TimeSpan.TicksPerHour),
    ];

    private static readonly (string Suffix, double Bytes)[] SizeUnits = [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("B", 1)];

    public static bool TryDuration(string text, out TimeSpan duration)
    {
        duration = default;
        if (!TryQuantity(text, DurationUnits, out double ticks) || ticks > MaximumDuration.Ticks) return false;
        duration = TimeSpan.FromTicks((long)Math.Round(ticks));
        return duration > TimeSpan.Zero;
    }

    public static bool TrySize(string text, out long sizeBytes)
    {
        sizeBytes = 0;
        if (!TryQuantity(text, SizeUnits, out double bytes) || bytes > (1L << 40) || bytes != Math.Floor(bytes)) return false;
        sizeBytes = (long)bytes;
        return true;
    }

    /// <summary>An IP address with a port; <c>localhost</c> is 127.0.0.1 and <c>*</c> every address of the machine.</summary>
    public static bool TryAddress(string text, out IPEndPoint endpoint)
    {
        endpoint = new IPEndPoint(IPAddress.None, 0);
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port)) return false;
        string host = text[..colon];
        IPAddress? address = host switch
        {
            "localhost" => IPAddress.Loopback,
            "*" => IPAddress.IPv6Any,
            ['[', .., ']'] => IPAddress.TryParse(host.AsSpan(1, host.Length - 2), out var v6) ? v6 : null,
            _ => host.Count(character => character == '.') == 3 && IPAddress.TryParse(host, out var v4) ? v4 : null,
        };
        if (address is null) return false;
        endpoint = new IPEndPoint(address, port);
        return true;
    }

    private static bool TryQuantity(string text, (string Suffix, double Factor)[] units, out double quantity)
    {
        quantity = 0;
        foreach (var (suffix, factor) in units)
        {
            if (!text.EndsWith(suffix, StringComparison.Ordinal)) continue;
            if (!double.TryParse(text.AsSpan(0, text.Length - suffix.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out quantity)) return false;
            quantity *= factor;
            return double.IsFinite(quantity);
        }

        return false;
    }
}
