// The built-in filter rate_limit: requests over the rate are answered 429. It counts in this process, or asks a server that gateways share.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters.RateLimits;

/// <param name="shared">Null: <paramref name="buckets"/> alone count.</param>
internal sealed class RateLimitFilter(RateLimitFilterConfig config, BucketTable buckets, SharedBuckets? shared) : Filter
{
    private static readonly LocalResponse Unavailable = FilterAnswer.Of(503, "rate-limit-unavailable", ("retry-after", "1"));

    private readonly ReadOnlyMemory<byte> _limit = FieldText.ValueBytes(config.Policy.Burst.ToString());

    public override string Name => "rate_limit";

    public override FilterStream? Begin(HttpStream stream, out GatewayError? error)
    {
        error = null;
        Span<byte> space = stackalloc byte[BucketTable.MaximumKeyBytes];
        var key = space[..config.Key.Write(stream, space)];
        if (shared is not null) return new SharedStream(this, stream, key.ToArray());
        var verdict = buckets.Take(key);
        if (!verdict.IsAllowed) return new AnsweringStream(Refusal(verdict));
        return config.WritesFields ? new AllowedStream(this, stream, verdict) : null;
    }

    private LocalResponse Refusal(in RateVerdict verdict)
    {
        var answer = FilterAnswer.Of(429, "rate-limited", ("retry-after", Seconds(verdict.RetryNs).ToString()));
        if (config.WritesFields) WriteFields(answer.Headers, verdict);
        return answer;
    }

    private void WriteFields(HeaderMap headers, in RateVerdict verdict)
    {
        headers.Set(RateLimitFields.Limit, _limit);
        headers.Set(RateLimitFields.Remaining, RateLimitFields.Number(verdict.Remaining));
        headers.Set(RateLimitFields.Reset, RateLimitFields.Number(Seconds(verdict.ResetNs)));
    }

    // Rounded up: who waits that long is not too early.
    private static long Seconds(long ns) => (ns + 999_999_999) / 1_000_000_000;

    private sealed class AllowedStream(RateLimitFilter filter, HttpStream stream, RateVerdict verdict) : FilterStream
    {
        public override FilterAction OnResponseHeaders(bool endOfStream)
        {
            filter.WriteFields(stream.ResponseHeaders, verdict);
            return FilterAction.Continue;
        }
    }

    /// <summary>Holds a request until the shared store has answered, or is known to be away.</summary>
    private sealed class SharedStream(RateLimitFilter filter, HttpStream stream, byte[] key) : FilterStream
    {
        private Task<RateVerdict?>? _asked;
        private RateVerdict? _verdict;

        public override FilterAction OnRequestHeaders(bool endOfStream)
        {
            _asked = filter.AskAsync(key);
            if (_asked.IsCompleted)
            {
                Refresh(ErrorPhase.RequestHeaders);
                return FilterAction.Continue;
            }

            _ = _asked.ContinueWith(static (_, self) => ((SharedStream)self!).Continue(isRequest: true), this, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            return FilterAction.Pause;
        }

        public override void Refresh(ErrorPhase phase)
        {
            _verdict = _asked is { IsCompletedSuccessfully: true } ? _asked.Result : null;
            if (_verdict is null && filter.OnUnavailable == OnUnavailable.Local) _verdict = filter.TakeLocally(key);
            if (_verdict is { IsAllowed: false } refused) Answer = filter.Refusal(refused);
            else if (_verdict is null && filter.OnUnavailable == OnUnavailable.Closed) Answer = Unavailable;
        }

        public override FilterAction OnResponseHeaders(bool endOfStream)
        {
            if (_verdict is { } verdict && filter.WritesFields) filter.WriteFields(stream.ResponseHeaders, verdict);
            return FilterAction.Continue;
        }
    }

    private bool WritesFields => config.WritesFields;

    private OnUnavailable OnUnavailable => config.Shared!.OnUnavailable;

    private Task<RateVerdict?> AskAsync(byte[] key) => shared!.TakeAsync(key);

    private RateVerdict TakeLocally(byte[] key) => buckets.Take(key);
}

/// <summary>The fields that tell a client how much is left, under the names that most clients know (draft-ietf-httpapi-ratelimit-headers-07).</summary>
internal static class RateLimitFields
{
    public static readonly ReadOnlyMemory<byte> Limit = FieldText.NameBytes("ratelimit-limit");
    public static readonly ReadOnlyMemory<byte> Remaining = FieldText.NameBytes("ratelimit-remaining");
    public static readonly ReadOnlyMemory<byte> Reset = FieldText.NameBytes("ratelimit-reset");

    // Written with every response: the usual ones are made once.
    private static readonly ReadOnlyMemory<byte>[] Small = [.. Enumerable.Range(0, 1024).Select(number => FieldText.ValueBytes(number.ToString()))];

    public static ReadOnlyMemory<byte> Number(long number) => number < Small.Length ? Small[number] : FieldText.ValueBytes(number.ToString());
}
