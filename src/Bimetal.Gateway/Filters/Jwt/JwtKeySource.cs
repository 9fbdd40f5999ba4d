// The keys of a jwt filter over time: those of the configuration, and those of a key set that is fetched from a URL or read from a file again and
// again. A source that is away changes nothing: the last keys stay.

using Bimetal.Gateway.Configuration;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Filters.Jwt;

internal enum JwtKeyHope
{
    /// <summary>The verdict stands: asking again with each request would let anybody make us ask.</summary>
    None,

    /// <summary>Keys have come since: judge again.</summary>
    NewerKeys,

    /// <summary>A fetch is under way, or it is time for one.</summary>
    Fetch,
}

/// <summary>Thread-safe.</summary>
internal sealed partial class JwtKeySource : IAsyncDisposable
{
    private readonly JwtFilterConfig _config;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly HttpClient? _client;
    private readonly Lock _gate = new();
    private byte[] _lastSet = [];
    private JwtKeySet? _current;
    private Task _fetch = Task.CompletedTask;
    private long _fetchedAt;
    private bool _wasTried;

    public JwtKeySource(JwtFilterConfig config, ILogger log, TimeProvider time)
    {
        _config = config;
        _log = log;
        _time = time;
        if (config.Keys.Count > 0) _current = new JwtKeySet(config.Keys);
        if (config.Jwks is not { } source) return;
        if (source.Url is not null) _client = MakeClient(source);
        _ = FetchAsync();
    }

    /// <summary>Null: no key set has come yet.</summary>
    public JwtKeySet? Current
    {
        get
        {
            // Old keys go on while newer ones are fetched.
            if (_config.Jwks is { } source && Age() > source.Refresh) _ = FetchAsync();
            return Volatile.Read(ref _current);
        }
    }

    /// <summary>What may help a token whose key was not among <paramref name="judged"/>.</summary>
    /// <param name="judged">What <see cref="Current"/> gave.</param>
    public JwtKeyHope HopeAfter(JwtKeySet? judged)
    {
        if (_config.Jwks is not { } source) return JwtKeyHope.None;
        lock (_gate)
        {
            // In this order: a fetch that ends in between has published its keys before it counts as ended.
            if (!_fetch.IsCompleted || !_wasTried) return JwtKeyHope.Fetch;
            if (!ReferenceEquals(Volatile.Read(ref _current), judged)) return JwtKeyHope.NewerKeys;
            return Age() >= source.MinimumInterval ? JwtKeyHope.Fetch : JwtKeyHope.None;
        }
    }

    /// <summary>Fetches the set, unless one has come since <paramref name="judged"/> was the current one. Never fails.</summary>
    public Task FetchAfterAsync(JwtKeySet? judged)
    {
        lock (_gate) return _fetch.IsCompleted && !ReferenceEquals(Volatile.Read(ref _current), judged) ? Task.CompletedTask : FetchAsync();
    }

    /// <summary>Fetches the set; who comes while that is under way waits for the same one. Never fails.</summary>
    public Task FetchAsync()
    {
        lock (_gate)
        {
            if (!_fetch.IsCompleted) return _fetch;
            _wasTried = true;
            Volatile.Write(ref _fetchedAt, _time.GetTimestamp());
            return _fetch = Task.Run(FetchOnceAsync);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _fetch;
        _client?.Dispose();
        _stop.Dispose();
    }

    private static HttpClient MakeClient(JwksSource source)
    {
        // No redirects: the configuration says who is trusted, not an answer.
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false, ConnectTimeout = source.Timeout, PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
        return new HttpClient(handler) { Timeout = source.Timeout, MaxResponseContentBufferSize = JwtKeySet.MaximumBytes };
    }

    private TimeSpan Age() => _time.GetElapsedTime(Volatile.Read(ref _fetchedAt));

    private async Task FetchOnceAsync()
    {
        string problem;
        try
        {
            byte[] json = await ReadAsync();
            if (json.AsSpan().SequenceEqual(_lastSet)) return;
            if (JwtKeySet.Parse(json, out problem) is { } fetched)
            {
                _lastSet = json;
                Volatile.Write(ref _current, new JwtKeySet([.. _config.Keys, .. fetched.Keys]));
                return;
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or UnauthorizedAccessException or OperationCanceledException or InvalidDataException)
        {
            if (_stop.IsCancellationRequested) return;
            problem = exception is OperationCanceledException ? "no answer in time" : exception.Message;
        }

        KeysNotFetched(_log, _config.Jwks!.Name, problem, Volatile.Read(ref _current) is null ? "there are no keys yet, so requests are answered 503" : "the last keys stay");
    }

    private async Task<byte[]> ReadAsync()
    {
        var source = _config.Jwks!;
        if (_client is not null)
        {
            using var response = await _client.GetAsync(source.Url, _stop.Token);
            if (!response.IsSuccessStatusCode) throw new InvalidDataException($"the answer has status {(int)response.StatusCode}");
            return await response.Content.ReadAsByteArrayAsync(_stop.Token);
        }

        if (new FileInfo(source.File!).Length > JwtKeySet.MaximumBytes) throw new InvalidDataException($"the file is larger than {JwtKeySet.MaximumBytes} bytes");
        return await File.ReadAllBytesAsync(source.File!, _stop.Token);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "jwt: the key set {Source} could not be taken ({Problem}); {Consequence}")]
    private static partial void KeysNotFetched(ILogger log, string source, string problem, string consequence);
}
