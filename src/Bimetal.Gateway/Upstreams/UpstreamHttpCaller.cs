// The requests that plugins make (proxy_http_call), over the upstreams of the model in force: one try on one endpoint, within the plugin's time.

using System.Buffers;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Transport;
using Bimetal.Plugins.Callouts;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Upstreams;

/// <summary>One for all plugins of a host. Thread-safe.</summary>
internal sealed class UpstreamHttpCaller(EventLoops loops) : IHttpCaller
{
    private readonly TaskCompletionSource _isPublished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile IReadOnlyDictionary<string, UpstreamConfig> _known = new Dictionary<string, UpstreamConfig>();
    private volatile GatewayModel? _model;

    /// <summary>Plugins are about to be loaded for this configuration: they may call its upstreams, and wait until it is in force.</summary>
    public void Expect(GatewayConfig config) => _known = config.Upstreams;

    /// <summary>The model is in force: calls go to its upstreams from now on.</summary>
    public void Publish(GatewayModel model)
    {
        _model = model;
        _isPublished.TrySetResult();
    }

    /// <summary>The change is over, whatever came of it: what is in force counts.</summary>
    public void Settle() => _known = _model?.Config.Upstreams ?? _known;

    public bool Has(string upstream) => _known.ContainsKey(upstream);

    public async Task<HttpCalloutResponse?> CallAsync(HttpCalloutRequest request, CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(request.Timeout);
        GatewayModel? model = null;
        try
        {
            await _isPublished.Task.WaitAsync(timeout.Token);
            do model = _model!;
            while (!model.TryEnter());
            HttpCalloutResponse? response = null;
            if (model.Upstreams.FirstOrDefault(upstream => upstream.Name == request.Upstream) is { } upstream)
                await loops.Next().RunAsync(async () => response = await TrySendAsync(upstream, request, timeout.Token));
            return response;
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            model?.Leave();
        }
    }

    private static async Task<HttpCalloutResponse?> TrySendAsync(Upstream upstream, HttpCalloutRequest request, CancellationToken cancellation)
    {
        await upstream.FirstLookupAsync(cancellation);
        if (!upstream.State.TryEnter(upstream.Config.Limits)) return null;
        var endpoint = upstream.TryBegin(key: null, tried: null);
        try
        {
            return endpoint is null ? null : await SendAsync(upstream.Client, endpoint, request, cancellation);
        }
        catch (GatewayException exception) when (exception.Error.Side == ErrorSide.Upstream)
        {
            upstream.NoteFailure(endpoint!, exception.Error.Detail);
            return null;
        }
        finally
        {
            endpoint?.End();
            upstream.State.NoteRoom();
            upstream.State.Exit();
        }
    }

    private static async Task<HttpCalloutResponse?> SendAsync(UpstreamClient client, EndpointState endpoint, HttpCalloutRequest request, CancellationToken cancellation)
    {
        var stream = new HttpStream();
        CopyTo(stream.RequestHeaders, request.Headers);
        CopyTo(stream.RequestTrailers, request.Trailers);
        if (stream.RequestHeaders.IndexOf(PseudoNames.Scheme) < 0) stream.RequestHeaders.Add(PseudoNames.Scheme, "http"u8.ToArray());
        Func<BodyWriter, CancellationToken, Task>? sendBody =
            request.Body.IsEmpty ? null : (write, token) => write(new ReadOnlySequence<byte>(request.Body), token).AsTask();
        using var response = await client.SendAsync(new UpstreamRequest(stream, sendBody, request.Body.Length, static () => { }), endpoint.Endpoint, cancellation);
        response.ReadHeaders(stream.ResponseHeaders);
        var headers = new HeaderMap();
        CopyTo(headers, stream.ResponseHeaders); // its bytes are the connection's, which reads on
        var body = new ArrayBufferWriter<byte>();
        for (bool isEnd = response.Length == 0; !isEnd;)
        {
            var piece = await response.ReadAsync(cancellation);
            if (piece.Data.Length > request.MaximumBodyBytes - body.WrittenCount) return null;
            foreach (var segment in piece.Data) body.Write(segment.Span);
            isEnd = piece.IsEnd;
        }

        var trailers = new HeaderMap();
        if (response.ReadTrailers(stream.ResponseTrailers)) CopyTo(trailers, stream.ResponseTrailers);
        endpoint.NoteSuccess();
        return new HttpCalloutResponse(headers, body.WrittenMemory, trailers);
    }

    private static void CopyTo(HeaderMap target, HeaderMap source)
    {
        for (int index = 0; index < source.Count; index++) target.AddCopy(source[index].Name.Span, source[index].Value.Span);
    }
}
