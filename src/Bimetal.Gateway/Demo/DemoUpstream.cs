// The upstream of the demo, in the same process: real image files, some of them damaged on the way, and an echo that shows what reached it.

using System.Text;
using Bimetal.Gateway.Listeners;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace Bimetal.Gateway.Demo;

/// <param name="images">By name; read once.</param>
internal sealed class DemoUpstream(IReadOnlyDictionary<string, DemoImage> images) : IHttpApplication<IFeatureCollection>
{
    private const string ImagesPath = "/images/";

    /// <param name="imagesFolder">Null: no images.</param>
    public static Task<HttpServer> StartAsync(string? imagesFolder, CancellationToken cancellation) =>
        HttpServer.StartAsync([("the demo's upstream", new(System.Net.IPAddress.Loopback, 0))], new DemoUpstream(imagesFolder is null ? new Dictionary<string, DemoImage>(StringComparer.Ordinal) : DemoImage.ReadAll(imagesFolder)), cancellation);

    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public async Task ProcessRequestAsync(IFeatureCollection context)
    {
        var request = context.GetRequiredFeature<IHttpRequestFeature>();
        var response = context.GetRequiredFeature<IHttpResponseFeature>();
        var (status, contentType, body) = Answer(request);
        response.StatusCode = status;
        response.Headers.ContentType = contentType;
        response.Headers.ContentLength = body.Length;
        var output = context.GetRequiredFeature<IHttpResponseBodyFeature>();
        if (request.Method != "HEAD") await output.Writer.WriteAsync(body);
        await output.CompleteAsync();
    }

    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
        // The features belong to Kestrel.
    }

    private (int Status, string ContentType, ReadOnlyMemory<byte> Body) Answer(IHttpRequestFeature request)
    {
        if (images.Count > 0 && request.Path is "/" or ImagesPath) return (200, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(Index()));
        if (!request.Path.StartsWith(ImagesPath, StringComparison.Ordinal)) return (200, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(Echo(request)));
        return images.TryGetValue(request.Path[ImagesPath.Length..], out var image)
            ? (200, image.ContentType, image.Bytes)
            : (404, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes("There is no such image; /images/ lists them.\n"));
    }

    private string Index()
    {
        var text = new StringBuilder("The demo's upstream. /api/ANYTHING shows the request that reached it; images:\n");
        foreach (string name in images.Keys.Order(StringComparer.Ordinal)) text.Append("  ").Append(ImagesPath).Append(name).Append('\n');
        return text.ToString();
    }

    private static string Echo(IHttpRequestFeature request)
    {
        var text = new StringBuilder().Append(request.Method).Append(' ').Append(request.RawTarget).Append('\n');
        foreach (var (name, value) in request.Headers) text.Append(name.ToLowerInvariant()).Append(": ").Append(value.ToString()).Append('\n');
        return text.ToString();
    }
}
