// A collector on a free loopback port: takes OTLP over gRPC (HTTP/2 by prior knowledge) or over HTTP, and keeps what it was sent.

using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Bimetal.Gateway.Tests.Support;

internal sealed class OtlpCollector : IHttpApplication<IFeatureCollection>, IAsyncDisposable
{
    private readonly KestrelServer _server;
    private readonly bool _isGrpc;

    private OtlpCollector(bool isGrpc)
    {
        _isGrpc = isGrpc;
        var options = new KestrelServerOptions();
        options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = isGrpc ? HttpProtocols.Http2 : HttpProtocols.Http1);
        _server = new KestrelServer(Options.Create(options), new SocketTransportFactory(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance), NullLoggerFactory.Instance);
    }

    public Uri Address => new(_server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single());

    public ConcurrentQueue<ProtobufMessage> Traces { get; } = new();

    public ConcurrentQueue<ProtobufMessage> Metrics { get; } = new();

    public ConcurrentQueue<string> Unknown { get; } = new();

    /// <summary>Every span that came.</summary>
    public IReadOnlyList<ProtobufMessage> Spans => [.. Traces.SelectMany(request => request.Messages(1)).SelectMany(resource => resource.Messages(2)).SelectMany(scope => scope.Messages(2))];

    /// <summary>The last state of a metric.</summary>
    public ProtobufMessage? Metric(string name) => Metrics.SelectMany(request => request.Messages(1)).SelectMany(resource => resource.Messages(2))
        .SelectMany(scope => scope.Messages(2)).LastOrDefault(metric => metric.Text(1) == name);

    public static async Task<OtlpCollector> StartAsync(bool isGrpc)
    {
        var collector = new OtlpCollector(isGrpc);
        await collector._server.StartAsync(collector, CancellationToken.None);
        return collector;
    }

    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public async Task ProcessRequestAsync(IFeatureCollection context)
    {
        var request = context.GetRequiredFeature<IHttpRequestFeature>();
        var bytes = new MemoryStream();
        await request.Body.CopyToAsync(bytes);
        ReadOnlyMemory<byte> message = bytes.ToArray();
        if (_isGrpc)
        {
            // One message: not compressed, then its length.
            Assert.Equal(0, message.Span[0]);
            Assert.Equal(message.Length - 5, BinaryPrimitives.ReadInt32BigEndian(message.Span[1..]));
            message = message[5..];
        }

        switch (request.Path)
        {
            case "/v1/traces" or "/opentelemetry.proto.collector.trace.v1.TraceService/Export": Traces.Enqueue(new ProtobufMessage(message)); break;
            case "/v1/metrics" or "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": Metrics.Enqueue(new ProtobufMessage(message)); break;
            default: Unknown.Enqueue(request.Path); break;
        }

        await AnswerAsync(context);
    }

    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
        // The features belong to Kestrel.
    }

    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync(new CancellationToken(canceled: true));
        _server.Dispose();
    }

    private async Task AnswerAsync(IFeatureCollection context)
    {
        var response = context.GetRequiredFeature<IHttpResponseFeature>();
        var body = context.GetRequiredFeature<IHttpResponseBodyFeature>();
        response.Headers.ContentType = _isGrpc ? "application/grpc" : "application/x-protobuf";
        if (_isGrpc)
        {
            await body.Writer.WriteAsync(new byte[5]);
            context.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers["grpc-status"] = "0";
        }

        await body.CompleteAsync();
    }
}
