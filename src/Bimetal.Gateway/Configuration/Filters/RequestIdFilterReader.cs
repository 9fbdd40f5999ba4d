// The entry request_id: of a route's filters.

using Bimetal.Gateway.Pipeline;

namespace Bimetal.Gateway.Configuration;

/// <summary><c>request_id:</c> gives a request without an id a random one, and the response the same.</summary>
/// <param name="Header">Lower-case field name.</param>
/// <param name="Keep">Whether an id that the client sent is kept.</param>
public sealed record RequestIdFilterConfig(string Header, bool Keep) : FilterConfig;

internal static class RequestIdFilterReader
{
    public static FilterConfig Read(ConfigMapping requestId, FilterSurroundings surroundings)
    {
        string header = requestId.Text("header") ?? "x-request-id";
        if (!FieldRules.MayBeSet(header)) requestId.Error("header", $"'{header}' cannot be set", "write a field name such as x-request-id");
        return new RequestIdFilterConfig(header.ToLowerInvariant(), requestId.Flag("keep", absent: false));
    }
}
