// The admin listener: finds the page, asks the guard, reads a small body, writes the whole answer.

using System.Buffers;
using Bimetal.Gateway.Telemetry.Metrics;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace Bimetal.Gateway.Admin;

/// <summary>One page. <paramref name="IsOpen"/> pages need no token.</summary>
internal sealed record AdminPage(string Path, string Purpose, Func<AdminCall, Task<AdminAnswer>> Answer, bool IsOpen = false)
{
    public string[] Methods { get; init; } = ["GET", "HEAD"];

    public AdminPage With(params string[] methods) => this with { Methods = methods };
}

internal sealed class AdminApplication : IHttpApplication<IFeatureCollection>
{
    private readonly AdminContext _context;
    private readonly AdminPage[] _pages;

    public AdminApplication(AdminContext context)
    {
        _context = context;
        _pages =
        [
            new AdminPage("/", "a page for people", Now(static _ => HtmlPage.Answer())) { IsOpen = true },
            new AdminPage("/healthz", "whether the process answers, and the plugins' states", Now(_ => HealthPages.Health(context))) { IsOpen = true },
            new AdminPage("/readyz", "whether it wants traffic", Now(_ => HealthPages.Readiness(context))) { IsOpen = true },
            new AdminPage("/metrics", "everything that is counted, for Prometheus", Now(_ => GatewayMetrics.Answer(context))),
            new AdminPage("/stats", "traffic, for the page", Now(_ => StatsPage.Answer(context))),
            new AdminPage("/config", "the configuration in force, and what the last reload came to", Now(_ => ConfigPage.Answer(context))),
            new AdminPage("/plugins", "plugins with their metal and figures", Now(_ => PluginsPage.Answer(context))),
            new AdminPage("/upstreams", "upstreams and their endpoints", Now(_ => UpstreamsPage.Answer(context))),
            new AdminPage("/reload", "reads the configuration again", _ => ConfigPage.ReloadAsync(context)).With("POST"),
            new AdminPage("/log-level", "shows or sets the least level that is logged", Now(call => LogLevelPage.Answer(context, call))).With("GET", "HEAD", "PUT"),
        ];
    }

    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public async Task ProcessRequestAsync(IFeatureCollection context)
    {
        var request = context.GetRequiredFeature<IHttpRequestFeature>();
        var page = Array.Find(_pages, page => page.Path == request.Path);
        var call = new AdminCall(request.Method, request.Path, request.Headers, ReadOnlyMemory<byte>.Empty);
        var answer = await AnswerAsync(context, page, call);
        var response = context.GetRequiredFeature<IHttpResponseFeature>();
        response.StatusCode = answer.Status;
        var headers = response.Headers;
        if (answer.Status == 405) headers.Allow = string.Join(", ", page!.Methods);
        if (answer.Status == 401) headers.WWWAuthenticate = "Bearer";
        headers.ContentType = answer.ContentType;
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        if (answer.Policy is not null) headers.ContentSecurityPolicy = answer.Policy;
        headers.ContentLength = answer.Body.Length;
        var body = context.GetRequiredFeature<IHttpResponseBodyFeature>();
        if (request.Method != "HEAD") await body.Writer.WriteAsync(answer.Body);
        await body.CompleteAsync();
    }

    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
        // The features belong to Kestrel.
    }

    private async Task<AdminAnswer> AnswerAsync(IFeatureCollection context, AdminPage? page, AdminCall call)
    {
        // A listener whose address was just taken out of the configuration has its last requests.
        if (_context.Model().Config.Admin is not { } config) return AdminAnswer.Error(503, "closing", "the admin listener was taken out of the configuration");
        if (AdminGuard.Refusal(call, config, page?.IsOpen == true) is { } refusal) return refusal;
        if (page is null) return NoSuchPage();
        if (!page.Methods.Contains(call.Method)) return AdminAnswer.Error(405, "method-not-allowed", "use " + string.Join(" or ", page.Methods));
        if (await ReadBodyAsync(context) is not { } body) return AdminAnswer.Error(413, "body-too-large", $"at most {AdminCall.MaximumBodyBytes} bytes");
        return await page.Answer(call with { Body = body });
    }

    private AdminAnswer NoSuchPage() => AdminAnswer.Json(404, writer =>
    {
        writer.WriteString("error", "no-such-page");
        writer.WriteStartObject("pages");
        foreach (var page in _pages) writer.WriteString(page.Path, $"{string.Join(", ", page.Methods)}: {page.Purpose}");
        writer.WriteEndObject();
    });

    private static Func<AdminCall, Task<AdminAnswer>> Now(Func<AdminCall, AdminAnswer> answer) => call => Task.FromResult(answer(call));

    private static async Task<ReadOnlyMemory<byte>?> ReadBodyAsync(IFeatureCollection context)
    {
        if (context.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == false) return ReadOnlyMemory<byte>.Empty;
        var reader = context.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;
        while (true)
        {
            var read = await reader.ReadAsync();
            bool isTooLarge = read.Buffer.Length > AdminCall.MaximumBodyBytes;
            byte[]? body = read.IsCompleted && !isTooLarge ? read.Buffer.ToArray() : null;
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (isTooLarge) return null;
            if (body is not null) return body;
        }
    }
}
