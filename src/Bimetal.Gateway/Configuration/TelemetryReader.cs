// The section telemetry:.

using Bimetal.Gateway.Telemetry;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

internal static class TelemetryReader
{
    private const string OtlpRemedy = "write otlp: http://127.0.0.1:4317, or { endpoint: http://127.0.0.1:4318, protocol: http, sampling: 1% }";

    public static TelemetryConfig Read(ConfigMapping root, string folder)
    {
        if (root.Mapping("telemetry") is not { } telemetry) return new TelemetryConfig();
        var read = new TelemetryConfig
        {
            AccessLog = ReadAccessLog(telemetry, folder),
            Otlp = ReadOtlp(telemetry),
            ServerTiming = telemetry.Flag("server_timing", absent: false),
        };
        telemetry.Finish();
        return read;
    }

    private static AccessLogConfig? ReadAccessLog(ConfigMapping telemetry, string folder)
    {
        if (telemetry.Mapping("access_log") is not { } log) return null;
        string path = log.RequiredText("path", "write - for the standard output, or a file");
        string format = log.Text("format") ?? "json";
        bool isJson = format == "json";
        if (!isJson && !format.Contains('$')) log.Error("format", $"'{format}' is neither json nor a template", "write json, or a text with variables such as '$client $status'");
        else if (!isJson && AccessLogTemplate.TryParse(format, out string problem) is null) log.Error("format", problem);
        log.Finish();
        return new AccessLogConfig(path == "-" ? path : Path.GetFullPath(path, folder), isJson ? null : format);
    }

    /// <summary>A URL alone means gRPC.</summary>
    private static OtlpConfig? ReadOtlp(ConfigMapping telemetry)
    {
        if (telemetry.Take("otlp") is not { } node) return null;
        if (node is YamlScalarNode scalar) return ReadEndpoint(telemetry, "otlp", scalar.Value ?? "");
        if (telemetry.Mapping("otlp") is not { } otlp) return null;
        var config = ReadEndpoint(otlp, "endpoint", otlp.RequiredText("endpoint", OtlpRemedy));
        bool isGrpc = otlp.Choice("protocol", absent: true, ("grpc", true), ("http", false));
        double sampling = ReadShare(otlp, "sampling", 0.01);
        string service = otlp.Text("service") ?? "bimetal";
        var interval = otlp.Duration("interval", TimeSpan.FromSeconds(60)) ?? TimeSpan.FromSeconds(60);
        otlp.Finish();
        return config is null ? null : config with { IsGrpc = isGrpc, Sampling = sampling, Service = service, Interval = interval };
    }

    private static OtlpConfig? ReadEndpoint(ConfigMapping mapping, string key, string text)
    {
        if (Uri.TryCreate(text.EndsWith('/') ? text : text + "/", UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)) return new OtlpConfig(uri);
        if (text.Length > 0) mapping.Error(key, $"'{text}' is not an http URL", OtlpRemedy);
        return null;
    }

    private static double ReadShare(ConfigMapping mapping, string key, double absent)
    {
        if (mapping.Text(key) is not { } text) return absent;
        if (text.EndsWith('%') && double.TryParse(text.AsSpan(0, text.Length - 1), out double percent) && percent is >= 0 and <= 100) return percent / 100;
        mapping.Error(key, $"'{text}' is not a share", "write a percentage such as 1% or 0.1%");
        return absent;
    }
}
