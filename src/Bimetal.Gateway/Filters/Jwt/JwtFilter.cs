// The built-in filter jwt: lets requests pass that carry a valid token, and turns its claims into request fields.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Filters.Jwt;

internal sealed class JwtFilter(JwtFilterConfig config, ILogger log, TimeProvider? time = null) : Filter, IAsyncDisposable
{
    // RFC 6750, section 3: no error code when there was no token at all.
    private static readonly LocalResponse Missing = FilterAnswer.Of(401, "token-missing", ("www-authenticate", "Bearer"));
    private static readonly LocalResponse Unavailable = FilterAnswer.Of(503, "keys-unavailable", ("retry-after", "1"));
    private static readonly LocalResponse Forbidden = FilterAnswer.Of(403, "token-insufficient", ("www-authenticate", "Bearer error=\"insufficient_scope\""));
    private static readonly Dictionary<JwtFault, LocalResponse> Invalid = Enum.GetValues<JwtFault>().ToDictionary(fault => fault, fault => FilterAnswer.Of(
        401, "token-invalid", ("www-authenticate", $"Bearer error=\"invalid_token\", error_description=\"{Describe(fault)}\"")));

    private readonly JwtVerifier _verifier = new(config);
    private readonly CredentialCache<VerifiedToken> _cache = new(config.CacheEntries);
    private readonly JwtKeySource _source = new(config, log, time ?? TimeProvider.System);
    private readonly ReadOnlyMemory<byte>[] _claimFields = [.. config.ClaimsToHeaders.Select(pair => pair.Value)];

    public override string Name => "jwt";

    public override FilterStream? Begin(HttpStream stream, out GatewayError? error)
    {
        error = null;

        // What the upstream reads in these fields comes from a token, or is not there.
        foreach (var name in _claimFields) stream.RequestHeaders.Remove(name.Span);
        var fault = Judge(stream, out bool mayAsk, out var judged);
        if (fault == JwtFault.None) return null;
        return mayAsk ? new AskingStream(this, stream, judged) : new AnsweringStream(AnswerTo(fault));
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    /// <summary>Judges a request, and takes it over when it is good.</summary>
    /// <param name="mayAsk">Newer keys could change the verdict, and it is time to ask for them.</param>
    /// <param name="judged">The keys that gave the verdict.</param>
    private JwtFault Judge(HttpStream stream, out bool mayAsk, out JwtKeySet? judged)
    {
        mayAsk = false;
        judged = null;
        var finding = config.Place.Find(stream.RequestHeaders, out var token);
        if (finding == CredentialFinding.Repeated) return JwtFault.Repeated;
        if (finding == CredentialFinding.Absent) return config.IsOptional ? JwtFault.None : JwtFault.Missing;
        VerifiedToken? verified;
        while (true)
        {
            var keys = judged = _source.Current;
            var fault = JwtFault.NoKeys;
            verified = keys is null ? null : Verify(token.Span, keys, stream.StartedAt, out fault);
            if (verified is not null) break;
            var hope = fault is JwtFault.NoKeys or JwtFault.UnknownKey ? _source.HopeAfter(keys) : JwtKeyHope.None;
            mayAsk = hope == JwtKeyHope.Fetch;
            if (hope != JwtKeyHope.NewerKeys) return fault;
        }

        foreach (var (name, value) in verified.Fields) stream.RequestHeaders.Add(name, value);
        if (!config.ForwardToken) config.Place.RemoveField(stream.RequestHeaders);
        stream.Identity = verified;
        return JwtFault.None;
    }

    private VerifiedToken? Verify(ReadOnlySpan<byte> token, JwtKeySet keys, DateTimeOffset now, out JwtFault fault)
    {
        if (_cache.IsOff || token.Length > config.MaximumTokenBytes) return _verifier.Verify(token, keys, now, out fault);
        double seconds = now.ToUnixTimeMilliseconds() / 1000.0;
        var hash = CredentialHash.Sha256(token);
        fault = JwtFault.None;
        if (_cache.Find(hash, keys, seconds) is { } known) return known;
        if (_verifier.Verify(token, keys, now, out fault) is not { } verified) return null;
        _cache.Add(hash, keys, verified, verified.ExpiresAtSeconds + config.ClockSkew.TotalSeconds, seconds);
        return verified;
    }

    private static LocalResponse AnswerTo(JwtFault fault) => fault switch
    {
        JwtFault.Missing => Missing,
        JwtFault.NoKeys => Unavailable,
        JwtFault.Claim => Forbidden,
        _ => Invalid[fault],
    };

    private static string Describe(JwtFault fault) => fault switch
    {
        JwtFault.Repeated => "the request carries more than one token",
        JwtFault.TooLarge => "the token is too large",
        JwtFault.Algorithm => "the algorithm is not allowed",
        JwtFault.UnknownKey => "the key is not known",
        JwtFault.Signature => "the signature is wrong",
        JwtFault.Expired => "the token has expired",
        JwtFault.NotYetValid => "the token is not valid yet",
        JwtFault.Issuer => "the issuer is not accepted",
        JwtFault.Audience => "the audience is not accepted",
        _ => "the token is malformed",
    };

    /// <summary>Holds a request while newer keys are fetched, then judges it once more.</summary>
    private sealed class AskingStream(JwtFilter filter, HttpStream stream, JwtKeySet? judged) : FilterStream
    {
        // The fetch has a timeout of its own, which comes first.
        public override TimeSpan? PauseLimit => filter.PauseLimit;

        public override FilterAction OnRequestHeaders(bool endOfStream)
        {
            _ = filter._source.FetchAfterAsync(judged).ContinueWith(static (_, self) => ((AskingStream)self!).Continue(isRequest: true), this, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            return FilterAction.Pause;
        }

        public override void Refresh(ErrorPhase phase)
        {
            var fault = filter.Judge(stream, out _, out _);
            if (fault != JwtFault.None) Answer = AnswerTo(fault);
        }

        public override void OnPauseExpired() => Answer = Unavailable;
    }

    private TimeSpan PauseLimit => (config.Jwks?.Timeout ?? TimeSpan.Zero) + TimeSpan.FromSeconds(1);
}
