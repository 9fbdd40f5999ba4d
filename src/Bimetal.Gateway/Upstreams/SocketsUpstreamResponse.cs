// A response that came over SocketsHttpHandler, as the pipeline reads it.

using System.Globalization;
using System.IO.Pipelines;
using System.Net.Http.Headers;
using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Upstreams;

internal sealed class SocketsUpstreamResponse(HttpResponseMessage response) : UpstreamResponse
{
    private static readonly StreamPipeReaderOptions ReaderOptions = new(bufferSize: GatewayLimits.UpstreamReadBytes, minimumReadSize: GatewayLimits.UpstreamReadBytes / 4);

    private PipeReader? _reader;

    public override PipeReader Reader => _reader ??= PipeReader.Create(response.Content.ReadAsStream(), ReaderOptions);

    public override long? Length { get; } = LengthOf(response);

    public override void ReadHeaders(HeaderMap headers)
    {
        CheckFraming();
        headers.Add(PseudoNames.Status, FieldText.ValueBytes(((int)response.StatusCode).ToString()));
        string[] nominated = FieldRules.Nominated(response.Headers.NonValidated.TryGetValues("connection", out var connection) ? connection.ToString() : "");
        Add(response.Headers, headers, nominated);
        Add(response.Content.Headers, headers, nominated);
    }

    public override bool ReadTrailers(HeaderMap trailers)
    {
        Add(response.TrailingHeaders, trailers, []);
        return trailers.Count > 0;
    }

    public override void Dispose()
    {
        _reader?.Complete();
        response.Dispose();
    }

    private static void Add(HttpHeaders source, HeaderMap target, string[] nominated)
    {
        foreach (var (name, values) in source.NonValidated)
        {
            if (FieldRules.IsHopByHop(name) || FieldRules.IsNominated(name, nominated)) continue;
            foreach (string value in values) target.Add(FieldText.NameBytes(name), FieldText.ValueBytes(value));
        }
    }

    // RFC 9112, section 6.3. The handler reads until the connection closes when it does not understand a length or a coding; the client
    // would get what is left of the message as the whole.
    private void CheckFraming()
    {
        string? problem = null;
        if (response.Headers.NonValidated.TryGetValues("transfer-encoding", out var coding))
        {
            if (!coding.ToString().Equals("chunked", StringComparison.OrdinalIgnoreCase)) problem = "a transfer-encoding that is not chunked alone";
        }
        else if (Length is null && response.Content.Headers.NonValidated.Contains("content-length"))
        {
            problem = "a content-length that is not one number";
        }

        if (problem is null) return;
        throw new GatewayException(new GatewayError(ErrorPhase.ResponseHeaders, ErrorSide.Upstream, ErrorCause.Malformed, Retryable: false, "the response has " + problem));
    }

    // Null beside a transfer-encoding, which counts instead. The typed property would fail on a value that is no number, and compute one
    // where the upstream sent none.
    private static long? LengthOf(HttpResponseMessage response) =>
        !response.Headers.NonValidated.Contains("transfer-encoding")
        && response.Content.Headers.NonValidated.TryGetValues("content-length", out var values)
        && long.TryParse(values.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out long length) ? length : null;
}
