// The whole configuration as immutable records: made by ConfigReader (or by a test), turned into a GatewayModel by GatewayHost.

using System.Net;
using Bimetal.Gateway.Limits;
using Bimetal.Plugins;

namespace Bimetal.Gateway.Configuration;

/// <summary>One configuration file, checked: every reference in it resolves.</summary>
public sealed record GatewayConfig
{
    public IReadOnlyList<ListenerConfig> Listeners { get; init; } = [];

    /// <summary>Null: no admin listener.</summary>
    public AdminConfig? Admin { get; init; }

    public TelemetryConfig Telemetry { get; init; } = new();

    public ShutdownConfig Shutdown { get; init; } = new();

    /// <summary><c>limits.memory</c>: what the process may take; null: no limit.</summary>
    public long? MemoryBytes { get; init; }

    public IReadOnlyDictionary<string, UpstreamConfig> Upstreams { get; init; } = new Dictionary<string, UpstreamConfig>();

    public IReadOnlyDictionary<string, PluginConfig> Plugins { get; init; } = new Dictionary<string, PluginConfig>();

    /// <summary><c>plugin_memory</c>: what the linear memories of all instances may have together, in bytes.</summary>
    public long PluginMemoryBytes { get; init; } = DefaultPluginMemoryBytes;

    /// <summary>Half of what the process may have: the other half is for connections, bodies and native plugins.</summary>
    public static long DefaultPluginMemoryBytes { get; } = SystemMemory.LimitBytes / 2;

    /// <summary>Null: none.</summary>
    public RedisConfig? Redis { get; init; }

    public IReadOnlyList<RouteConfig> Routes { get; init; } = [];

    /// <summary>Files that are read with the configuration and replaced beside it, such as certificates: a change of one is a reload.</summary>
    public IReadOnlyList<string> WatchedFiles { get; init; } = [];

    /// <summary>Absolute path of the profile that <c>metal: auto</c> obeys, whether it is there or not; null without a configuration file.</summary>
    public string? Profile { get; init; }

    /// <summary>The file as JSON with secrets left out, for <c>/config</c>; empty when there is no file.</summary>
    public ReadOnlyMemory<byte> Text { get; init; }
}

/// <summary>One address that takes traffic; port 0 lets the system choose.</summary>
/// <param name="Name">How errors call it, such as <c>listeners[0]</c>.</param>
public sealed record ListenerConfig(string Name, IPEndPoint Address)
{
    /// <summary>Null: plain HTTP.</summary>
    public ListenerTlsConfig? Tls { get; init; }

    /// <summary>Whether HTTP/2 is spoken beside HTTP/1.1: by ALPN over TLS, by prior knowledge without.</summary>
    public bool Http2 { get; init; } = true;

    public ListenerLimits Limits { get; init; } = new();

    /// <summary>Null: no proxy is believed.</summary>
    public TrustedNetworks? TrustedProxies { get; init; }
}

/// <summary><c>admin:</c>.</summary>
public sealed record AdminConfig(IPEndPoint Address)
{
    /// <summary>SHA-256 of what <c>token_file</c> holds; empty without one, and then the address is a loopback one.</summary>
    public ReadOnlyMemory<byte> TokenDigest { get; init; }
}

/// <summary><c>shutdown:</c>, for SIGTERM.</summary>
public sealed record ShutdownConfig
{
    /// <summary>How long connections are still accepted while <c>/readyz</c> says no already: load balancers need some time to see it.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>How long requests in flight may take after that.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary><c>telemetry:</c>.</summary>
public sealed record TelemetryConfig
{
    /// <summary>Null: no access log.</summary>
    public AccessLogConfig? AccessLog { get; init; }

    /// <summary>Null: no traces and no metrics are sent, and trace fields pass through unchanged.</summary>
    public OtlpConfig? Otlp { get; init; }

    /// <summary>Whether responses say in <c>Server-Timing</c> what each filter and the upstream took.</summary>
    public bool ServerTiming { get; init; }
}

/// <summary><c>telemetry.access_log:</c>.</summary>
/// <param name="Path"><c>-</c> for the standard output, otherwise an absolute path.</param>
/// <param name="Template">Null: one JSON object per line.</param>
public sealed record AccessLogConfig(string Path, string? Template = null);

/// <summary><c>telemetry.otlp:</c>.</summary>
/// <param name="Endpoint">An http or https URL; for HTTP the part before <c>v1/traces</c>.</param>
public sealed record OtlpConfig(Uri Endpoint)
{
    public bool IsGrpc { get; init; } = true;

    /// <summary>Share (0 to 1) of the requests without a trace of their own that are traced.</summary>
    public double Sampling { get; init; } = 0.01;

    /// <summary>Name of this service in traces and metrics.</summary>
    public string Service { get; init; } = "bimetal";

    /// <summary>Between two exports of metrics.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>One step of a route's chain; the kinds stand in <c>Filters</c>, each beside its filter.</summary>
public abstract record FilterConfig;
