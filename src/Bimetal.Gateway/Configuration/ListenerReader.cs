// The sections listeners:, admin: and shutdown:.

using System.Net;
using System.Security.Cryptography;
using System.Text;
using Bimetal.Gateway.Limits;

namespace Bimetal.Gateway.Configuration;

internal static class ListenerReader
{
    private const int MinimumTokenLength = 16;
    private const int MaximumTokenLength = 4096;

    public static IReadOnlyList<ListenerConfig> ReadListeners(ConfigMapping root, ConfigReport report)
    {
        var listeners = new List<ListenerConfig>();
        foreach (var (path, node) in root.Sequence("listeners", "write listeners: [ { address: 127.0.0.1:8080 } ]"))
        {
            if (ConfigMapping.From(node, path, report) is not { } listener) continue;
            var address = ReadAddress(listener);
            var tls = TlsReader.ReadListener(listener, report);
            bool http2 = listener.Flag("http2", absent: true);
            var limits = ListenerPolicyReader.ReadLimits(listener);
            var trust = ListenerPolicyReader.ReadTrust(listener);
            listener.Finish();
            if (address is null) continue;
            if (address.Port != 0 && listeners.Find(other => other.Address.Equals(address)) is { } same)
                listener.Error("address", $"{address} is taken by {same.Name} already", "give each listener its own address");
            listeners.Add(new ListenerConfig(path, address) { Tls = tls, Http2 = http2, Limits = limits, TrustedProxies = trust });
        }

        if (listeners.Count == 0 && report.Errors.Count == 0)
            root.Error("listeners", "at least one is required", "write listeners: [ { address: 127.0.0.1:8080 } ]");
        return listeners;
    }

    public static AdminConfig? ReadAdmin(ConfigMapping root, string folder)
    {
        if (root.Mapping("admin") is not { } admin) return null;
        var address = ReadAddress(admin);
        string? tokenFile = admin.Text("token_file");
        admin.Finish();
        if (address is null) return null;
        if (tokenFile is null && !IPAddress.IsLoopback(address.Address))
            admin.Error("address", "an admin listener that others can reach needs a token", "write 127.0.0.1:9901 or [::1]:9901, or set admin.token_file");
        return new AdminConfig(address) { TokenDigest = tokenFile is null ? default : ReadToken(admin, Path.GetFullPath(tokenFile, folder)) };
    }

    /// <summary><c>limits.memory</c>, or what the control group suggests.</summary>
    public static long? ReadMemory(ConfigMapping root)
    {
        var limits = root.Mapping("limits");
        long? written = limits?.OptionalSize("memory", 32 << 20, 1L << 44);
        limits?.Finish();
        return written ?? (long?)(CgroupMemory.Limit() * GatewayLimits.MemoryShare);
    }

    public static ShutdownConfig ReadShutdown(ConfigMapping root)
    {
        var defaults = new ShutdownConfig();
        if (root.Mapping("shutdown") is not { } shutdown) return defaults;
        var read = new ShutdownConfig
        {
            Delay = shutdown.Duration("delay", defaults.Delay) ?? TimeSpan.Zero,
            Drain = shutdown.Duration("drain", defaults.Drain) ?? TimeSpan.Zero,
        };
        shutdown.Finish();
        return read;
    }

    private static ReadOnlyMemory<byte> ReadToken(ConfigMapping admin, string path)
    {
        try
        {
            string token = File.ReadAllText(path).Trim();
            if (token.Length is < MinimumTokenLength or > MaximumTokenLength || !token.All(char.IsAscii))
                admin.Error("token_file", $"{path} holds no token that can be used", $"write {MinimumTokenLength} to {MaximumTokenLength} ASCII characters into it, such as: openssl rand -hex 32");
            if (!OperatingSystem.IsWindows() && File.GetUnixFileMode(path).HasFlag(UnixFileMode.OtherRead)) admin.Warn("token_file", $"everyone on this machine can read {path}", "chmod 600");
            return SHA256.HashData(Encoding.UTF8.GetBytes(token));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            admin.Error("token_file", "cannot be read: " + exception.Message, "name a file with the token in it");
            return default;
        }
    }

    private static IPEndPoint? ReadAddress(ConfigMapping mapping)
    {
        string text = mapping.RequiredText("address", ConfigScalars.AddressRemedy);
        if (text.Length == 0) return null;
        if (ConfigScalars.TryAddress(text, out var address)) return address;
        mapping.Error("address", $"'{text}' is not an address", ConfigScalars.AddressRemedy);
        return null;
    }
}
