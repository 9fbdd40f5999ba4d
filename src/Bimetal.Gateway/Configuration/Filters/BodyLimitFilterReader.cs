// The entry body_limit: of a route's filters.

namespace Bimetal.Gateway.Configuration;

/// <summary><c>body_limit:</c>, checked; null: no limit.</summary>
internal sealed record BodyLimitFilterConfig(long? RequestBytes, long? ResponseBytes) : FilterConfig;

internal static class BodyLimitFilterReader
{
    public static FilterConfig Read(ConfigMapping limit, FilterSurroundings surroundings)
    {
        long? request = ReadSize(limit, "request"), response = ReadSize(limit, "response");
        if (request is null && response is null) limit.Error("request", "there is no limit", "write request: 1MiB, response: 10MiB, or both");
        return new BodyLimitFilterConfig(request, response);
    }

    private static long? ReadSize(ConfigMapping limit, string key)
    {
        long size = limit.Size(key, -1, 0, 1L << 40);
        return size < 0 ? null : size;
    }
}
