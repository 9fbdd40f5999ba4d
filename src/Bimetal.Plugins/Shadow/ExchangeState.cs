// What a plugin sees of an exchange at one moment, copied: the bytes of the exchange itself are gone when the shadow runs.

using System.Text;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Shadow;

/// <summary>Immutable.</summary>
internal sealed class ExchangeState
{
    private readonly (byte[] Name, byte[] Value)[][] _maps;
    private readonly byte[] _requestBody;
    private readonly byte[] _responseBody;
    private readonly LocalResponse? _answer;
    private readonly bool _isReset;

    private ExchangeState((byte[] Name, byte[] Value)[][] maps, byte[] requestBody, byte[] responseBody, LocalResponse? answer, bool isReset) =>
        (_maps, _requestBody, _responseBody, _answer, _isReset) = (maps, requestBody, responseBody, answer, isReset);

    /// <summary>Bytes that it keeps.</summary>
    public long SizeBytes => _requestBody.Length + _responseBody.Length + _maps.Sum(map => map.Sum(one => (long)one.Name.Length + one.Value.Length));

    public static ExchangeState Of(StreamView view)
    {
        var stream = view.Stream;
        return new([.. MapsOf(stream).Select(Copy)], view.RequestBody.Span.ToArray(), view.ResponseBody.Span.ToArray(), CopyOf(view.LocalResponse), view.IsReset);
    }

    /// <summary>Puts another exchange into this state; what was answered is not part of it.</summary>
    public void Restore(StreamView view)
    {
        int index = 0;
        foreach (var map in MapsOf(view.Stream))
        {
            map.Clear();
            foreach (var (name, value) in _maps[index]) map.Add(name, value);
            index++;
        }

        Fill(view.RequestBody, _requestBody);
        Fill(view.ResponseBody, _responseBody);
    }

    /// <summary>The first thing that is not the same, in words; null when there is none.</summary>
    public string? DifferenceFrom(ExchangeState other)
    {
        for (int map = 0; map < _maps.Length; map++)
        {
            if (DifferenceOf(_maps[map], other._maps[map]) is { } field) return $"{MapNames[map]}: {field}";
        }

        if (!_requestBody.AsSpan().SequenceEqual(other._requestBody)) return "the request body";
        if (!_responseBody.AsSpan().SequenceEqual(other._responseBody)) return "the response body";
        if (_isReset != other._isReset) return "one broke the exchange off";
        return DifferenceOf(_answer, other._answer);
    }

    private static readonly string[] MapNames = ["request fields", "request trailers", "response fields", "response trailers"];

    private static IEnumerable<HeaderMap> MapsOf(HttpStream stream) => [stream.RequestHeaders, stream.RequestTrailers, stream.ResponseHeaders, stream.ResponseTrailers];

    private static (byte[] Name, byte[] Value)[] Copy(HeaderMap map)
    {
        var copy = new (byte[] Name, byte[] Value)[map.Count];
        for (int index = 0; index < copy.Length; index++) copy[index] = (map[index].Name.ToArray(), map[index].Value.ToArray());
        return copy;
    }

    private static LocalResponse? CopyOf(LocalResponse? answer)
    {
        if (answer is null) return null;
        var headers = new HeaderMap();
        for (int index = 0; index < answer.Headers.Count; index++) headers.AddCopy(answer.Headers[index].Name.Span, answer.Headers[index].Value.Span);
        return answer with { Headers = headers, Body = answer.Body.ToArray() };
    }

    private static void Fill(BodyBuffer buffer, byte[] bytes)
    {
        buffer.Clear();
        buffer.TryAppend(bytes);
    }

    private static string? DifferenceOf((byte[] Name, byte[] Value)[] left, (byte[] Name, byte[] Value)[] right)
    {
        for (int index = 0; index < Math.Max(left.Length, right.Length); index++)
        {
            if (index < left.Length && index < right.Length && left[index].Name.AsSpan().SequenceEqual(right[index].Name) && left[index].Value.AsSpan().SequenceEqual(right[index].Value)) continue;

            // Values can be secrets: an example says where, not what.
            return Encoding.Latin1.GetString(index < left.Length ? left[index].Name : right[index].Name);
        }

        return null;
    }

    private static string? DifferenceOf(LocalResponse? left, LocalResponse? right)
    {
        if (left is null && right is null) return null;
        if (left is null || right is null) return "one gave an answer of its own";
        if (left.Status != right.Status) return $"the status of its own answer ({left.Status} and {right.Status})";
        if (DifferenceOf(Copy(left.Headers), Copy(right.Headers)) is { } field) return "its own answer: " + field;
        return left.Body.Span.SequenceEqual(right.Body.Span) && left.GrpcStatus == right.GrpcStatus ? null : "the body of its own answer";
    }
}
