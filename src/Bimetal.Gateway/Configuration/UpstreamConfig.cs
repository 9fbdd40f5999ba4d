// One upstream as it was configured. A policy that is absent has the defaults that stand here, and in docs/gateway.md.

namespace Bimetal.Gateway.Configuration;

/// <summary>One entry of <c>upstreams:</c>.</summary>
public sealed record UpstreamConfig
{
    public required string Name { get; init; }

    public required IReadOnlyList<EndpointConfig> Endpoints { get; init; }

    public BalanceConfig Balance { get; init; } = new(BalanceKind.RoundRobin);

    public HealthConfig Health { get; init; } = new();

    public RetryConfig Retries { get; init; } = new();

    public UpstreamTimeouts Timeouts { get; init; } = new();

    public UpstreamLimits Limits { get; init; } = new();

    /// <summary>HTTP/2 and nothing else: by ALPN over TLS, by prior knowledge without.</summary>
    public bool Http2 { get; init; }

    /// <summary>For endpoints that speak TLS; null: the system's authorities, and no certificate of our own.</summary>
    public UpstreamTlsConfig? Tls { get; init; }

    /// <summary>How often the names of endpoints are resolved again.</summary>
    public TimeSpan ResolveInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether a client that was made for the other configuration, with its connections, serves this one as well.</summary>
    public bool HasSameClient(UpstreamConfig other) => Timeouts.Connect == other.Timeouts.Connect && Tls == other.Tls && Http2 == other.Http2;
}

/// <summary>One endpoint: an address, or a name that can have several.</summary>
/// <param name="Address">Absolute http or https URL without path.</param>
/// <param name="Weight">Share of the requests, 1 to 100.</param>
public sealed record EndpointConfig(Uri Address, int Weight = 1)
{
    public bool IsEncrypted => Address.Scheme == Uri.UriSchemeHttps;

    public static implicit operator EndpointConfig(Uri address) => new(address);

    public override string ToString() => Address.ToString();
}

public enum BalanceKind
{
    /// <summary>In turn.</summary>
    RoundRobin,

    /// <summary>The less busy of two that are drawn.</summary>
    LeastRequests,

    /// <summary>By a key of the request, the same key to the same endpoint.</summary>
    ConsistentHash,
}

public enum HashKeyKind
{
    ClientAddress,
    Path,
    Header,
    Cookie,
}

/// <summary><c>balance:</c> and <c>hash:</c>.</summary>
/// <param name="Name">Of the field (lower case) or cookie.</param>
public sealed record BalanceConfig(BalanceKind Kind, HashKeyKind Key = HashKeyKind.ClientAddress, string Name = "");

/// <summary><c>timeouts:</c>; null means none.</summary>
public sealed record UpstreamTimeouts
{
    /// <summary>Until the connection stands; also the longest wait for a free one.</summary>
    public TimeSpan? Connect { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>From the end of the request to the end of the response's headers.</summary>
    public TimeSpan? Headers { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest time without a byte while a body moves, on either side.</summary>
    public TimeSpan? Idle { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>From the request's headers to the end of the response, further tries included.</summary>
    public TimeSpan? Total { get; init; }
}

/// <summary><c>limits:</c> of an upstream; null means none.</summary>
public sealed record UpstreamLimits
{
    /// <summary>Requests under way at one endpoint.</summary>
    public int? Connections { get; init; }

    /// <summary>Requests that wait because every endpoint has <see cref="Connections"/>.</summary>
    public int Pending { get; init; } = 1024;

    /// <summary>Requests of the upstream at once, waiting ones included.</summary>
    public int? Requests { get; init; }
}

/// <summary><c>retries:</c>.</summary>
public sealed record RetryConfig
{
    /// <summary>How often a request is sent again at most; 0 switches retries off.</summary>
    public int Attempts { get; init; } = 1;

    public RetryCauses On { get; init; } = RetryCauses.ConnectFailure | RetryCauses.ResetBeforeResponse;

    /// <summary>Longest time until the headers of one try's response; null: only <see cref="UpstreamTimeouts.Headers"/>.</summary>
    public TimeSpan? PerTry { get; init; }

    /// <summary>What is kept of a request body to send it again.</summary>
    public int BufferBytes { get; init; } = 64 << 10;

    /// <summary>Pause before the same endpoint is asked again; doubles, up to ten times.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromMilliseconds(25);

    public RetryBudgetConfig Budget { get; init; } = new();
}

/// <summary><c>retries.budget:</c>, what all retries of an upstream together may come to.</summary>
/// <param name="Share">Of the requests of the last ten seconds.</param>
/// <param name="MinimumPerSecond">Whatever the share gives.</param>
public sealed record RetryBudgetConfig(double Share = 0.2, int MinimumPerSecond = 10);

[Flags]
public enum RetryCauses
{
    None = 0,

    /// <summary>No connection: nothing was sent, so any request may be sent again.</summary>
    ConnectFailure = 1,

    /// <summary>The connection ended before a response.</summary>
    ResetBeforeResponse = 2,

    /// <summary>No response in time.</summary>
    Timeout = 4,
    Status502 = 8,
    Status503 = 16,
    Status504 = 32,
}

/// <summary><c>health:</c>.</summary>
public sealed record HealthConfig
{
    /// <summary>Null: no checks by requests of the gateway's own.</summary>
    public ActiveHealthConfig? Active { get; init; }

    /// <summary>Null: what comes of requests has no consequence.</summary>
    public PassiveHealthConfig? Passive { get; init; } = new();

    /// <summary>When a smaller share of the endpoints than this is available, all are used.</summary>
    public double Panic { get; init; } = 0.2;
}

/// <summary>A request that the gateway sends by itself.</summary>
public sealed record ActiveHealthConfig
{
    public required string Path { get; init; }

    /// <summary>Null: host and port of the endpoint.</summary>
    public string? Host { get; init; }

    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Successes in a row until an endpoint counts as healthy again.</summary>
    public int Healthy { get; init; } = 2;

    /// <summary>Failures in a row until it counts as unhealthy.</summary>
    public int Unhealthy { get; init; } = 3;

    public IReadOnlyList<StatusRange> Statuses { get; init; } = [new(200, 299)];
}

/// <summary>What requests tell about an endpoint.</summary>
public sealed record PassiveHealthConfig
{
    /// <summary>Failures in a row until an endpoint is ejected.</summary>
    public int Failures { get; init; } = 5;

    /// <summary>For how long, the first time; doubles with each further ejection.</summary>
    public TimeSpan Eject { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan MaximumEject { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Answers that count as failures, besides no answer.</summary>
    public IReadOnlyList<StatusRange> Statuses { get; init; } = [new(502, 504)];
}

/// <summary>HTTP statuses from one to another.</summary>
public readonly record struct StatusRange(int First, int Last)
{
    public static bool Contains(IReadOnlyList<StatusRange> ranges, int status)
    {
        // Without an enumerator: asked with every response.
        for (int index = 0; index < ranges.Count; index++)
        {
            if (status >= ranges[index].First && status <= ranges[index].Last) return true;
        }

        return false;
    }
}
