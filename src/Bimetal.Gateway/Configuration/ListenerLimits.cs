// What the clients of a listener may use, with the defaults.

namespace Bimetal.Gateway.Configuration;

/// <summary><c>listeners[].limits:</c>; null means none.</summary>
public sealed record ListenerLimits
{
    /// <summary>The target of a request, as it was sent.</summary>
    public int UriBytes { get; init; } = 16 << 10;

    /// <summary>Request line and fields together.</summary>
    public int HeaderBytes { get; init; } = 64 << 10;

    public int HeaderCount { get; init; } = 128;

    /// <summary>A request's body; routes can have a smaller limit.</summary>
    public long? BodyBytes { get; init; }

    /// <summary>Requests at once on one HTTP/2 connection.</summary>
    public int Streams { get; init; } = 100;

    /// <summary>Connections of the listener at once.</summary>
    public int Connections { get; init; } = 16384;

    /// <summary>Connections of one address at once.</summary>
    public int? ConnectionsPerClient { get; init; }

    /// <summary>From a connection to the end of its TLS handshake.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>From the first byte of a request to the end of its headers.</summary>
    public TimeSpan HeaderTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>From the end of a request's headers to the end of its body.</summary>
    public TimeSpan? BodyTimeout { get; init; }

    /// <summary>How long a connection may stay without a request.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(120);
}
