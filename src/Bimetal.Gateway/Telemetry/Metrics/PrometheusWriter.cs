// The text format of Prometheus, version 0.0.4: families with # HELP and # TYPE, samples with labels, everything escaped. One family after the
// other, each with all of its samples.

using System.Buffers;
using System.Globalization;
using System.Text;

namespace Bimetal.Gateway.Telemetry.Metrics;

/// <summary>A label of a sample; the value can be anything, the name is ours.</summary>
internal readonly record struct MetricLabel(string Name, string Value);

internal sealed class PrometheusWriter(IBufferWriter<byte> output)
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly StringBuilder _line = new(256);
    private string _family = "";

    /// <param name="name">Ends in <c>_total</c> for a counter.</param>
    /// <param name="type"><c>counter</c>, <c>gauge</c> or <c>histogram</c>.</param>
    public void Family(string name, string type, string help)
    {
        _family = name;
        _line.Append("# HELP ").Append(name).Append(' ');
        Escape(help, isLabel: false);
        _line.Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
        Flush();
    }

    /// <summary>A sample of the family that was begun last.</summary>
    public void Sample(double value, params ReadOnlySpan<MetricLabel> labels) => Sample("", value, labels);

    /// <summary>All samples of a histogram.</summary>
    /// <param name="buckets">Upper edges with the counts below them: cumulative, without the last one.</param>
    public void Histogram(IEnumerable<(double Edge, long Below)> buckets, long count, double sum, params ReadOnlySpan<MetricLabel> labels)
    {
        MetricLabel[] withEdge = [.. labels, default];
        foreach (var (edge, below) in buckets)
        {
            withEdge[^1] = new MetricLabel("le", Number(edge));
            Sample("_bucket", below, withEdge);
        }

        withEdge[^1] = new MetricLabel("le", "+Inf");
        Sample("_bucket", count, withEdge);
        Sample("_sum", sum, labels);
        Sample("_count", count, labels);
    }

    private void Sample(string suffix, double value, ReadOnlySpan<MetricLabel> labels)
    {
        _line.Append(_family).Append(suffix);
        for (int index = 0; index < labels.Length; index++)
        {
            _line.Append(index == 0 ? '{' : ',').Append(labels[index].Name).Append("=\"");
            Escape(labels[index].Value, isLabel: true);
            _line.Append('"');
        }

        if (labels.Length > 0) _line.Append('}');
        _line.Append(' ').Append(Number(value)).Append('\n');
        Flush();
    }

    // A plugin's bytes can be anything: what would end a line or a value is written with a backslash.
    private void Escape(string text, bool isLabel)
    {
        foreach (char character in text)
        {
            if (character == '\\') _line.Append("\\\\");
            else if (character == '\n') _line.Append("\\n");
            else if (character == '"' && isLabel) _line.Append("\\\"");
            else _line.Append(character is '\r' or '\0' ? '\uFFFD' : character);
        }
    }

    private static string Number(double value) => double.IsPositiveInfinity(value) ? "+Inf" : value.ToString("R", CultureInfo.InvariantCulture);

    private void Flush()
    {
        Encoding.UTF8.GetBytes(_line.ToString(), output);
        _line.Clear();
    }
}
