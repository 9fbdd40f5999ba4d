// HTTP/1.1 to upstreams over .NET's SocketsHttpHandler, with everything switched off that a proxy must not do: redirects, cookies,
// decompression, proxies from the environment, trace headers. It sends the whole request before it reads the response, and drops request trailers.

using System.Buffers;
using System.Net;
using System.Runtime.ExceptionServices;
using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Upstreams;

internal sealed class SocketsUpstreamClient : UpstreamClient
{
    private readonly HttpMessageInvoker _invoker;

    public SocketsUpstreamClient(UpstreamTimeouts timeouts) => _invoker = new HttpMessageInvoker(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        ConnectTimeout = timeouts.Connect ?? Timeout.InfiniteTimeSpan,
        MaxResponseHeadersLength = GatewayLimits.ResponseHeadersKilobytes,
        PooledConnectionIdleTimeout = GatewayLimits.UpstreamIdleConnection,
        PooledConnectionLifetime = GatewayLimits.UpstreamConnectionLifetime,
        RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
        ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
    });

    public override async Task<UpstreamResponse> SendAsync(UpstreamRequest request, UpstreamEndpoint endpoint, CancellationToken cancellation)
    {
        using var message = RequestMessage.From(request, endpoint);
        var content = message.Content as PumpedContent;
        if (content is null) request.OnSent();
        try
        {
            return new SocketsUpstreamResponse(await _invoker.SendAsync(message, cancellation));
        }
        catch when (content?.OwnFailure is { } failure)
        {
            failure.Throw();
            throw;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        catch (OperationCanceledException exception)
        {
            // The handler cancels by itself for one reason only: ConnectTimeout.
            throw new GatewayException(new GatewayError(ErrorPhase.Connect, ErrorSide.Upstream, ErrorCause.Timeout, Retryable: true, $"{endpoint.Authority}: no connection within the connect timeout"), exception);
        }
        catch (HttpRequestException exception)
        {
            throw Failure(exception);
        }

        GatewayException Failure(Exception exception)
        {
            bool isConnect = exception is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError };
            string detail = $"{endpoint.Authority}: {exception.Message}{(exception.InnerException is { } inner ? " " + inner.Message : "")}";
            return new GatewayException(
                new GatewayError(isConnect ? ErrorPhase.Connect : ErrorPhase.ResponseHeaders, ErrorSide.Upstream, isConnect ? ErrorCause.Refused : ErrorCause.Failed, Retryable: isConnect, detail),
                exception);
        }
    }

    public override void Dispose() => _invoker.Dispose();
}

/// <summary>An HttpRequestMessage from the fields of an exchange.</summary>
internal static class RequestMessage
{
    // The target is in normal form already, and what was judged is what has to be sent: no second canonicalisation.
    private static readonly UriCreationOptions Verbatim = new() { DangerousDisablePathAndQueryCanonicalization = true };

    public static HttpRequestMessage From(UpstreamRequest request, UpstreamEndpoint endpoint)
    {
        var fields = request.Stream.RequestHeaders;
        var message = new HttpRequestMessage
        {
            Method = new HttpMethod(FieldText.Text(Pseudo(fields, ":method"u8))),
            RequestUri = new Uri(string.Concat("http://", endpoint.Authority, FieldText.Text(Pseudo(fields, ":path"u8))), Verbatim),
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (request.SendBody is not null) message.Content = new PumpedContent(request);
        else if (!IsRepeatable(message.Method)) message.Content = new EmptyContent();
        string authority = FieldText.Text(Pseudo(fields, ":authority"u8));
        message.Headers.Host = authority.Length > 0 ? authority : endpoint.Authority;
        for (int index = 0; index < fields.Count; index++) AddField(message, fields[index]);
        return message;
    }

    // The handler sends a request up to four times when its connection ends before an answer, unless it has begun to send a content: the
    // upstream may have acted on each (RFC 9110, section 9.2.2). The methods that are not named get "content-length: 0" in any case.
    private static bool IsRepeatable(HttpMethod method) => method.Method is "GET" or "HEAD" or "OPTIONS" or "TRACE" or "PUT" or "DELETE";

    private static void AddField(HttpRequestMessage message, HeaderField field)
    {
        if (HeaderRules.IsPseudo(field.Name.Span)) return;
        string name = FieldText.Text(field.Name);
        if (FieldRules.IsWrittenByGateway(name)) return;
        string value = FieldText.Text(field.Value);
        if (message.Headers.TryAddWithoutValidation(name, value)) return;

        // Content fields need a content, also in a request without a body.
        message.Content ??= new EmptyContent();
        message.Content.Headers.TryAddWithoutValidation(name, value);
    }

    private static ReadOnlySpan<byte> Pseudo(HeaderMap fields, ReadOnlySpan<byte> name) => fields.TryGet(name, out var value) ? value.Span : default;
}

/// <summary>A body that the pipeline writes while the handler sends it.</summary>
internal sealed class PumpedContent(UpstreamRequest request) : HttpContent
{
    private bool _hasWriteFailed;

    /// <summary>What the sender of the body threw; not a failure to write to the upstream.</summary>
    public ExceptionDispatchInfo? OwnFailure { get; private set; }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        try
        {
            await request.SendBody!((piece, cancellation) => WriteAsync(stream, piece, cancellation), cancellationToken);
            request.OnSent();
        }
        catch (Exception exception) when (!_hasWriteFailed)
        {
            OwnFailure = ExceptionDispatchInfo.Capture(exception);
            throw;
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = request.BodyLength ?? 0;
        return request.BodyLength is not null;
    }

    private async ValueTask WriteAsync(Stream stream, ReadOnlySequence<byte> piece, CancellationToken cancellation)
    {
        try
        {
            foreach (var segment in piece) await stream.WriteAsync(segment, cancellation);
            await stream.FlushAsync(cancellation);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            _hasWriteFailed = true;
            throw;
        }
    }
}

/// <summary>No bytes; carries content fields of a request without a body, and keeps it from being sent again.</summary>
internal sealed class EmptyContent : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => Task.CompletedTask;

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return true;
    }
}
