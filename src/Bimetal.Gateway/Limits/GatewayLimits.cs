// Every limit of the data plane that is not configurable per listener, plugin or upstream, by name.

namespace Bimetal.Gateway.Limits;

internal static class GatewayLimits
{
    /// <summary>Status line and fields of an upstream's response together.</summary>
    public const int ResponseHeadersBytes = 64 << 10;

    public const int ResponseHeaderCount = 256;

    /// <summary>Responses 1xx before the one that counts.</summary>
    public const int InformationalResponses = 16;

    /// <summary>Connections per loop and endpoint that wait for a request; further ones are closed.</summary>
    public const int UpstreamIdleConnections = 256;

    /// <summary>Requests at once on one HTTP/2 connection to an upstream, whatever it allows.</summary>
    public const int UpstreamStreams = 1000;

    /// <summary>Frames of an HTTP/2 upstream, within <see cref="UpstreamIdleFramesPeriod"/>, that belong to no progress: pings, settings, empty data, streams that are over.</summary>
    public const int UpstreamIdleFrames = 10_000;

    public static readonly TimeSpan UpstreamIdleFramesPeriod = TimeSpan.FromSeconds(10);

    /// <summary>How long an HTTP/2 upstream that leaves a request without an answer may be silent, and then once more until it has answered a ping.</summary>
    public static readonly TimeSpan UpstreamSilence = TimeSpan.FromSeconds(1);

    /// <summary>What is read and dropped of a request that was answered before its end.</summary>
    public const int DroppedBytes = 256 << 10;

    /// <summary>Connections that wait in the kernel to be accepted.</summary>
    public const int Backlog = 1024;

    /// <summary>One lookup of an endpoint's name.</summary>
    public static readonly TimeSpan NameLookup = TimeSpan.FromSeconds(10);

    /// <summary>Until a name that could not be resolved is looked up again, if its interval is not shorter.</summary>
    public static readonly TimeSpan FailedLookupPause = TimeSpan.FromSeconds(1);

    /// <summary>Addresses of one name that become endpoints.</summary>
    public const int AddressesPerName = 64;

    /// <summary>What is read of the answer to a health check, so that its connection can be used again.</summary>
    public const int HealthAnswerBytes = 64 << 10;

    /// <summary>Body of a route's <c>response:</c>, which is kept in memory.</summary>
    public const int DirectResponseBytes = 1 << 20;

    /// <summary>Request bytes that a connection reads ahead of the pipeline.</summary>
    public const int RequestReadAheadBytes = 256 << 10;

    /// <summary>Response bytes that wait for a slow client before the pipeline waits as well.</summary>
    public const int ResponseWriteBehindBytes = 64 << 10;

    /// <summary>What a filter without a limit of its own may hold of a body while it is paused.</summary>
    public const int HeldBodyBytes = 1 << 20;

    /// <summary>Lines of the access log that wait for a slow disk; further lines are dropped and counted.</summary>
    public const int AccessLogPendingBytes = 8 << 20;

    /// <summary>What <c>limits.memory</c> is where nobody wrote it, of what the control group allows: the kernel ends who passes that.</summary>
    public const double MemoryShare = 0.8;

    /// <summary>How often the memory in use is held against <c>limits.memory</c>.</summary>
    public static readonly TimeSpan MemoryLook = TimeSpan.FromMilliseconds(100);

    /// <summary>While too much is in use, garbage is collected this often.</summary>
    public static readonly TimeSpan MemoryCollection = TimeSpan.FromSeconds(1);

    /// <summary>How long the last lines of the access log may take to be written when the gateway stops.</summary>
    public static readonly TimeSpan AccessLogLastWrite = TimeSpan.FromSeconds(2);

    /// <summary>How long stopping waits for exchanges whose connections are broken already.</summary>
    public static readonly TimeSpan LastExchanges = TimeSpan.FromSeconds(5);

    /// <summary>How long requests to an admin listener whose address has changed may take.</summary>
    public static readonly TimeSpan AdminDrain = TimeSpan.FromSeconds(5);

    /// <summary>How often the configuration file is looked at; a change is taken up when it has been steady for as long.</summary>
    public static readonly TimeSpan FileWatchInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>How long an upstream is waited for that was asked whether it wants the body.</summary>
    public static readonly TimeSpan ContinueWait = TimeSpan.FromSeconds(1);

    /// <summary>How long a client may take to read the answer to a request that it has not sent to its end.</summary>
    public static readonly TimeSpan Linger = TimeSpan.FromSeconds(2);

    /// <summary>How long a client may take for an answer of the gateway's own.</summary>
    public static readonly TimeSpan LastWrite = TimeSpan.FromSeconds(60);

    /// <summary>How long an upstream connection stays in the pool without a request.</summary>
    public static readonly TimeSpan UpstreamIdleConnection = TimeSpan.FromSeconds(60);

    /// <summary>Age at which an upstream connection is replaced, so that names are resolved again.</summary>
    public static readonly TimeSpan UpstreamConnectionLifetime = TimeSpan.FromMinutes(10);
}
