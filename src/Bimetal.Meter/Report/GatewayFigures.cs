// Requests through the gateway at a fixed rate, over loopback.

namespace Bimetal.Meter.Report;

/// <summary>Microseconds from the moment that a request was due to the last byte of its answer.</summary>
public sealed record GatewayFigures
{
    /// <summary>All three kinds together.</summary>
    public required int RequestsPerSecond { get; init; }

    public required int Requests { get; init; }

    /// <summary>Without the plugin.</summary>
    public required double PlainP50Us { get; init; }

    public required double PlainP99Us { get; init; }

    public required double NativeP50Us { get; init; }

    public required double NativeP99Us { get; init; }

    /// <summary>With a fresh instance each.</summary>
    public required double WasmP50Us { get; init; }

    public required double WasmP99Us { get; init; }

    /// <summary>95 % confidence interval of wasm minus native.</summary>
    public required IReadOnlyList<double> TaxIntervalUs { get; init; }

    /// <summary>As in the tax: the interval decides.</summary>
    public required string Verdict { get; init; }
}
