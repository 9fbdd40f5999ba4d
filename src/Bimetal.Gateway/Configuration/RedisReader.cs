// The section redis:.

using System.Globalization;
using System.Net;
using System.Text;

namespace Bimetal.Gateway.Configuration;

/// <summary><c>redis:</c>, checked.</summary>
/// <param name="Address">Of the server; a host name is resolved with each connection.</param>
/// <param name="Name">The address as it was written, for the log.</param>
public sealed record RedisConfig(EndPoint Address, string Name)
{
    /// <summary>Empty: the default user.</summary>
    public string User { get; init; } = "";

    /// <summary>Empty: none is sent.</summary>
    public string Password { get; init; } = "";

    public int Database { get; init; }

    /// <summary>Of one command.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(1);
}

internal static class RedisReader
{
    private const int MaximumPasswordBytes = 4096;

    public static RedisConfig? Read(ConfigMapping root)
    {
        if (root.Mapping("redis") is not { } redis) return null;
        string address = redis.RequiredText("address", "write address: 127.0.0.1:6379");
        EndPoint? endpoint = ConfigScalars.TryAddress(address, out var ip) && address[0] != '*' ? ip : HostAndPort(address);
        if (endpoint is null && address.Length > 0) redis.Error("address", $"'{address}' is not a host and a port", "write 127.0.0.1:6379, [::1]:6379 or redis.example:6379");
        string password = redis.Text("password") ?? "";
        if (redis.FileBytes("password_file", MaximumPasswordBytes) is { } bytes) password = Encoding.UTF8.GetString(bytes).TrimEnd('\r', '\n');
        if (redis.Has("password") && redis.Has("password_file")) redis.Error("password_file", "stands beside password", "keep one of them");
        var defaults = new RedisConfig(endpoint ?? ip, address);
        var config = defaults with
        {
            User = redis.Text("user") ?? "",
            Password = password,
            Database = redis.Count("database", 0, 0, 1 << 16),
            Timeout = redis.Duration("timeout", defaults.Timeout) ?? TimeSpan.Zero,
            ConnectTimeout = redis.Duration("connect_timeout", defaults.ConnectTimeout) ?? TimeSpan.Zero,
        };
        foreach (string key in (string[])["timeout", "connect_timeout"])
        {
            if ((key == "timeout" ? config.Timeout : config.ConnectTimeout) is var time && (time < TimeSpan.FromMilliseconds(2) || time > TimeSpan.FromMinutes(1)))
                redis.Error(key, "is out of range", "from 2ms to 1m");
        }

        if (config.User.Length > 0 && config.Password.Length == 0) redis.Error("user", "needs a password", "write password_file: PATH");
        redis.NotImplemented("tls");
        redis.Finish();
        return config;
    }

    private static DnsEndPoint? HostAndPort(string text)
    {
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) || port == 0) return null;
        string host = text[..colon];
        return Uri.CheckHostName(host) == UriHostNameType.Dns ? new DnsEndPoint(host, port) : null;
    }
}
