// The built-in filter rate_limit: requests over the rate are answered 429.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters.RateLimits;

internal sealed class RateLimitFilter(RateLimitFilterConfig config, BucketTable buckets) : Filter
{
    private readonly ReadOnlyMemory<byte> _limit = FieldText.ValueBytes(config.Policy.Burst.ToString());

    public override string Name => "rate_limit";

    public override FilterStream? Begin(HttpStream stream, out GatewayError? error)
    {
        error = null;
        Span<byte> key = stackalloc byte[BucketTable.MaximumKeyBytes];
        var verdict = buckets.Take(key[..config.Key.Write(stream, key)]);
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
