// One upstream as it was configured.

namespace Bimetal.Gateway.Configuration;

/// <summary>One entry of <c>upstreams:</c>.</summary>
public sealed record UpstreamConfig
{
    public required string Name { get; init; }

    /// <summary>Absolute http URLs without path; taken in turn.</summary>
    public required IReadOnlyList<Uri> Endpoints { get; init; }

    public UpstreamTimeouts Timeouts { get; init; } = new();
}

/// <summary><c>timeouts:</c>; null means none.</summary>
public sealed record UpstreamTimeouts
{
    /// <summary>Until the connection stands.</summary>
    public TimeSpan? Connect { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>From the end of the request to the end of the response's headers.</summary>
    public TimeSpan? Headers { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest time without a byte while a body moves, on either side.</summary>
    public TimeSpan? Idle { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>From the request's headers to the end of the response, further tries included.</summary>
    public TimeSpan? Total { get; init; }
}
