// The admin listener: a loopback address that answers what the gateway is doing, in JSON.

using System.Buffers;
using System.Text.Json;
using Bimetal.Plugins;
using Bimetal.Plugins.Failure;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace Bimetal.Gateway.Admin;

/// <param name="model">Gives the published model.</param>
internal sealed class AdminApplication(Func<GatewayModel> model, GatewayServices services) : IHttpApplication<IFeatureCollection>
{
    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public async Task ProcessRequestAsync(IFeatureCollection context)
    {
        var request = context.GetRequiredFeature<IHttpRequestFeature>();
        var response = context.GetRequiredFeature<IHttpResponseFeature>();
        var output = new ArrayBufferWriter<byte>();
        response.StatusCode = Answer(request, output);
        if (response.StatusCode == 405) response.Headers.Allow = "GET, HEAD";
        response.Headers.ContentType = "application/json";
        response.Headers.CacheControl = "no-store";
        output.Write("\n"u8);
        response.Headers.ContentLength = output.WrittenCount;
        var body = context.GetRequiredFeature<IHttpResponseBodyFeature>();
        if (request.Method != "HEAD") await body.Writer.WriteAsync(output.WrittenMemory);
        await body.CompleteAsync();
    }

    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
        // The features belong to Kestrel.
    }

    private int Answer(IHttpRequestFeature request, IBufferWriter<byte> output)
    {
        using var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true });
        if (request.Method is not ("GET" or "HEAD")) return WriteError(writer, 405, "method-not-allowed");
        switch (request.Path)
        {
            case "/healthz":
                writer.WriteStartObject();
                writer.WriteString("status", "ok");
                writer.WriteEndObject();
                return 200;
            case "/readyz":
                writer.WriteStartObject();
                writer.WriteString("status", services.IsDraining ? "draining" : "ready");
                writer.WriteEndObject();
                return services.IsDraining ? 503 : 200;
            case "/plugins":
                WritePlugins(writer, model().Plugins);
                return 200;
            default:
                return WriteError(writer, 404, "no-such-page");
        }
    }

    private static int WriteError(Utf8JsonWriter writer, int status, string error)
    {
        writer.WriteStartObject();
        writer.WriteString("error", error);
        writer.WriteStartArray("pages");
        writer.WriteStringValue("/healthz");
        writer.WriteStringValue("/plugins");
        writer.WriteEndArray();
        writer.WriteEndObject();
        return status;
    }

    private static void WritePlugins(Utf8JsonWriter writer, IReadOnlyList<LoadedPlugin> plugins)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("plugins");
        foreach (var loaded in plugins) WritePlugin(writer, loaded);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WritePlugin(Utf8JsonWriter writer, LoadedPlugin loaded)
    {
        var config = loaded.Config;
        writer.WriteStartObject();
        writer.WriteString("name", config.Name);
        writer.WriteString("state", loaded.Plugin is null ? "absent" : "loaded");
        if (loaded.Plugin is null) writer.WriteString("problem", loaded.Problem);
        else writer.WriteString("metal", PluginWords.Of(loaded.Plugin.Metal));
        writer.WriteString("trust", PluginWords.Of(config.Trust));
        writer.WriteString("instance", PluginWords.Of(config.EffectiveInstance));
        if (config.LatencyBudget is { } budget) writer.WriteNumber("latencyBudgetUs", (long)budget.TotalMicroseconds);
        writer.WriteNumber("calls", loaded.Plugin?.Statistics.Streams ?? 0);
        writer.WriteStartObject("failures");
        foreach (var kind in Enum.GetValues<FailureKind>())
            writer.WriteNumber(PluginWords.Of(kind), loaded.Plugin?.Statistics.FailuresOf(kind) ?? 0);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
