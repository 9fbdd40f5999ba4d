// The built-in filter api_key: lets requests pass that carry a known key. Keys are looked up by their SHA-256, so how long it takes says nothing
// about how near a guess was.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters;

internal sealed class ApiKeyFilter(ApiKeyFilterConfig config) : Filter
{
    /// <summary>Longest key that is looked at.</summary>
    private const int MaximumKeyBytes = 1024;

    private static readonly LocalResponse Missing = FilterAnswer.Of(401, "key-missing", ("www-authenticate", "ApiKey"));
    private static readonly LocalResponse Unknown = FilterAnswer.Of(401, "key-invalid", ("www-authenticate", "ApiKey"));

    public override string Name => "api_key";

    public override FilterStream? Begin(HttpStream stream, out GatewayError? error)
    {
        error = null;
        var headers = stream.RequestHeaders;
        if (!config.ConsumerHeader.IsEmpty) headers.Remove(config.ConsumerHeader.Span);
        var finding = config.Place.Find(headers, out var key);
        if (finding == CredentialFinding.Absent) return new AnsweringStream(Missing);
        if (finding == CredentialFinding.Repeated || key.Length > MaximumKeyBytes || !config.Consumers.TryGetValue(CredentialHash.Sha256(key.Span), out var consumer))
            return new AnsweringStream(Unknown);
        if (!config.ForwardKey) config.Place.RemoveField(headers);
        if (!config.ConsumerHeader.IsEmpty) headers.Add(config.ConsumerHeader, consumer.Name);
        stream.Identity = consumer;
        return null;
    }
}
