// One exchange with a client as Kestrel hands it over: its features turned into header maps and pipes, and back. The pipeline sees only this.

using System.IO.Pipelines;
using System.Net;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Routing;
using Bimetal.Plugins.Streams;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Bimetal.Gateway.Listeners;

/// <summary>The client's side of one exchange. Used by one thread at a time.</summary>
internal sealed class ClientExchange : MessageBody
{
    private readonly IFeatureCollection _features;
    private readonly IHttpRequestFeature _request;
    private readonly IHttpResponseFeature _response;
    private readonly IHttpResponseBodyFeature _responseBody;
    private readonly IHttpRequestLifetimeFeature _lifetime;

    public ClientExchange(IFeatureCollection features)
    {
        _features = features;
        _request = features.GetRequiredFeature<IHttpRequestFeature>();
        _response = features.GetRequiredFeature<IHttpResponseFeature>();
        _responseBody = features.GetRequiredFeature<IHttpResponseBodyFeature>();
        _lifetime = features.GetRequiredFeature<IHttpRequestLifetimeFeature>();
        var connection = features.GetRequiredFeature<IHttpConnectionFeature>();
        Source = EndPoint(connection.RemoteIpAddress, connection.RemotePort);
        Destination = EndPoint(connection.LocalIpAddress, connection.LocalPort);
        ConnectionId = ParseConnectionId(connection.ConnectionId);
        HasBody = features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? true;
    }

    public IPEndPoint? Source { get; }

    /// <summary>Number of the connection, unique in this process.</summary>
    public ulong ConnectionId { get; }

    public IPEndPoint? Destination { get; }

    public string Method => _request.Method;

    public string Target => _request.RawTarget;

    public string Authority => _request.Headers.Host.ToString();

    public bool HasBody { get; }

    /// <summary>Cancelled when the client closes the connection.</summary>
    public CancellationToken Aborted => _lifetime.RequestAborted;

    /// <summary>The status line is on its way: no other answer is possible.</summary>
    public bool HasStarted => _response.HasStarted;

    public PipeWriter Writer => _responseBody.Writer;

    public override PipeReader Reader => _features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;

    public override long? Length => HasBody ? _request.Headers.ContentLength : 0;

    public override GatewayError ReadTimeout => ExchangeErrors.RequestBodyTimeout;

    /// <summary>Why the request cannot be passed on, whatever its route; null when it can.</summary>
    public string? Refusal() => RequestCheck.Refusal(_request);

    /// <summary>The connection ends with the response: what follows on it may be no request.</summary>
    public void CloseAfterwards() => _response.Headers.Connection = "close";

    /// <summary>Fills in the pseudo-headers and the fields, without those that belong to the connection.</summary>
    /// <param name="target">In normal form.</param>
    /// <exception cref="GatewayException">A field has control characters in it.</exception>
    public void ReadHeaders(HttpStream stream, string target)
    {
        var headers = stream.RequestHeaders;
        headers.Add(PseudoNames.Method, FieldText.ValueBytes(Method));
        headers.Add(PseudoNames.Path, FieldText.ValueBytes(target));
        headers.Add(PseudoNames.Authority, FieldText.ValueBytes(Authority));
        headers.Add(PseudoNames.Scheme, FieldText.ValueBytes(_request.Scheme));
        string[] nominated = FieldRules.Nominated(_request.Headers.Connection.ToString());
        foreach (var (name, values) in _request.Headers)
        {
            if (FieldRules.IsHopByHop(name) || FieldRules.IsHostOrExpect(name) || FieldRules.IsNominated(name, nominated)) continue;
            foreach (string? value in values)
            {
                if (FieldRules.HasControls(value)) throw new GatewayException(ExchangeErrors.BadRequest("control characters in the field " + name));
                headers.Add(FieldText.NameBytes(name), FieldText.ValueBytes(value ?? ""));
            }
        }

        stream.Source = Source;
        stream.Destination = Destination;
        stream.Protocol = _request.Protocol;
    }

    public override bool ReadTrailers(HeaderMap trailers)
    {
        if (_features.Get<IHttpRequestTrailersFeature>() is not { Available: true, Trailers.Count: > 0 } feature) return false;
        foreach (var (name, values) in feature.Trailers)
        {
            foreach (string? value in values) trailers.Add(FieldText.NameBytes(name), FieldText.ValueBytes(value ?? ""));
        }

        return true;
    }

    public override GatewayError ReadFailure(Exception exception) => exception is BadHttpRequestException
        ? ExchangeErrors.BadRequestBody(exception.Message)
        : ExchangeErrors.ClientGone;

    /// <summary>Sets status and fields; they are sent with the first flush or by <see cref="CompleteAsync"/>.</summary>
    /// <param name="contentLength">Null: as long as the body turns out to be.</param>
    public void WriteHeaders(int status, HeaderMap headers, long? contentLength)
    {
        _response.StatusCode = status;
        var target = _response.Headers;
        for (int index = 0; index < headers.Count; index++)
        {
            var field = headers[index];
            if (HeaderRules.IsPseudo(field.Name.Span)) continue;
            string name = FieldText.Text(field.Name);
            if (FieldRules.IsWrittenByGateway(name)) continue;
            string value = FieldText.Text(field.Value);
            target[name] = target.TryGetValue(name, out var others) ? Microsoft.Extensions.Primitives.StringValues.Concat(others, value) : value;
        }

        target.ContentLength = contentLength;
    }

    /// <summary>Puts the headers in front of the body without sending them yet; bytes can be written to <see cref="Writer"/> afterwards.</summary>
    public Task StartAsync(CancellationToken cancellation) => _responseBody.StartAsync(cancellation);

    /// <summary>Forgets what <see cref="WriteHeaders"/> did; only before anything was sent.</summary>
    public void ClearHeaders() => _response.Headers.Clear();

    /// <summary>Ends the response; the client has it when this returns, or is slow.</summary>
    public Task CompleteAsync() => _responseBody.CompleteAsync();

    /// <summary>Breaks the connection, so that the client cannot take what it has for the whole.</summary>
    public void Abort() => _lifetime.Abort();

    // Kestrel counts connections and shows the count in base 32.
    private static ulong ParseConnectionId(string text)
    {
        ulong id = 0;
        foreach (char digit in text) id = (id << 5) | (uint)(digit <= '9' ? digit - '0' : digit - 'A' + 10);
        return id;
    }

    private static IPEndPoint? EndPoint(IPAddress? address, int port)
    {
        if (address is null) return null;
        return new IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, port);
    }
}
