// The charts of the page as SVG that scales with it; colours come from the page's style, but for the parts of a receipt.

using System.Globalization;
using System.Net;
using System.Text;

namespace Bimetal.Meter.Report;

internal static class BenchCharts
{
    private const int Width = 720;
    private const int Left = 130;
    private const int Right = 100;
    private const int RowHeight = 26;
    private const int BarHeight = 9;
    private const string Unexplained = "unexplained";

    /// <summary>Mid tones, readable on white and on black.</summary>
    private static readonly string[] s_parts = ["#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#b07aa1", "#9c755f", "#d4a72c", "#5f8dd3", "#c0628f", "#3f9c8d", "#a3804f"];

    /// <summary>What nothing explains looks like nothing else.</summary>
    private const string UnexplainedPart = "#8a8f99";

    /// <summary>Two bars each: request tax and call tax, with the interval of the first.</summary>
    public static string Taxes(IReadOnlyList<BenchTask> tasks)
    {
        var scale = Scale.Of(tasks.SelectMany(task => new[] { task.Tax!.RequestDeltaUs, task.Tax.CallDeltaUs, task.Tax.IntervalUs[0], task.Tax.IntervalUs[1] }));
        var svg = Begin(tasks.Count, scale, "us", "request and call tax per task");
        for (int row = 0; row < tasks.Count; row++)
        {
            var tax = tasks[row].Tax!;
            int top = Top(row);
            Label(svg, tasks[row].Task, top);
            Bar(svg, scale, 0, tax.RequestDeltaUs, top, "class=\"wasm\"");
            Bar(svg, scale, 0, tax.CallDeltaUs, top + BarHeight + 1, "class=\"wasm\" opacity=\"0.45\"");
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{scale.X(tax.IntervalUs[0]):0.0}\" x2=\"{scale.X(tax.IntervalUs[1]):0.0}\" y1=\"{top + 4.5}\" y2=\"{top + 4.5}\" stroke=\"currentColor\" stroke-width=\"3\"/>");
            Value(svg, scale.X(Math.Max(0, Math.Max(tax.RequestDeltaUs, tax.IntervalUs[1]))), top + BarHeight, tax.RequestDeltaUs);
        }

        return End(svg);
    }

    /// <summary>One stacked bar each.</summary>
    public static string Receipts(IReadOnlyList<BenchTask> tasks)
    {
        string[] names = [.. tasks.SelectMany(Items).Select(item => item.Item).Distinct()];
        var scale = Scale.Of(tasks.SelectMany(task => new[] { Items(task).Where(item => item.Us > 0).Sum(item => item.Us), Items(task).Where(item => item.Us < 0).Sum(item => item.Us) }));
        var svg = Begin(tasks.Count, scale, "us", "receipts", legendRows: (names.Length + 3) / 4);
        for (int row = 0; row < tasks.Count; row++)
        {
            Label(svg, tasks[row].Task, Top(row));
            double above = 0, below = 0;
            foreach (var (item, us) in Items(tasks[row]))
            {
                double from = us > 0 ? above : below;
                Bar(svg, scale, from, from + us, Top(row), $"fill=\"{Colour(names, item)}\"", 2 * BarHeight, $"{item} {us:+0.00;-0.00} us");
                if (us > 0) above += us;
                else below += us;
            }
        }

        for (int index = 0; index < names.Length; index++)
        {
            int x = (index % 4 * 175) + 10, y = Top(tasks.Count) + 34 + (index / 4 * 18);
            svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{x}\" y=\"{y - 10}\" width=\"12\" height=\"12\" fill=\"{Colour(names, names[index])}\"/><text x=\"{x + 17}\" y=\"{y}\">{Text(names[index])}</text>");
        }

        return End(svg);
    }

    /// <summary>Quantiles of both metals as two lines each, on a logarithmic scale.</summary>
    public static string Distributions(IReadOnlyList<BenchTask> tasks)
    {
        BenchTask[] known = [.. tasks.Where(task => task.Native!.RequestQuantilesUs.Count > 0 && task.Wasm.RequestQuantilesUs.Count > 0)];
        var scale = Scale.Logarithmic(known.SelectMany(task => task.Native!.RequestQuantilesUs.Concat(task.Wasm.RequestQuantilesUs)));
        var svg = Begin(known.Length, scale, "us", "latency distributions");
        for (int row = 0; row < known.Length; row++)
        {
            Label(svg, known[row].Task, Top(row));
            Quantiles(svg, scale, known[row].Native!.RequestQuantilesUs, Top(row), "native");
            Quantiles(svg, scale, known[row].Wasm.RequestQuantilesUs, Top(row) + BarHeight + 1, "wasm");
        }

        return End(svg);
    }

    /// <summary>Curves over payload or plugins, both axes logarithmic.</summary>
    public static string Scaling(ScalingCurve curve)
    {
        const int Height = 260, Bottom = 40;
        var x = Scale.Logarithmic(curve.Points.Select(point => point.Size));
        double low = Math.Log10(curve.Points.Min(point => Math.Min(point.Native, point.Wasm))), high = Math.Log10(curve.Points.Max(point => Math.Max(point.Native, point.Wasm)));
        double Y(double value) => 15 + ((Height - Bottom - 15) * (high - Math.Log10(value)) / Math.Max(high - low, 0.01));
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{Text(curve.Title)}\">");
        foreach (var point in curve.Points)
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x.X(point.Size):0.0}\" y=\"{Height - 20}\" text-anchor=\"middle\">{point.Size:0}</text>");
        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"muted\" x=\"{Width - 10}\" y=\"{Height - 3}\" text-anchor=\"end\">{Text(curve.Axis)}</text>");
        foreach (var (name, pick) in new (string, Func<ScalingPoint, double>)[] { ("native", point => point.Native), ("wasm", point => point.Wasm) })
        {
            svg.Append(CultureInfo.InvariantCulture, $"<polyline class=\"{name}-line\" points=\"{string.Join(' ', curve.Points.Select(point => string.Create(CultureInfo.InvariantCulture, $"{x.X(point.Size):0.0},{Y(pick(point)):0.0}")))}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text class=\"{name}\" x=\"{Width - Right + 4}\" y=\"{Y(pick(curve.Points[^1])) + 4:0.0}\">{name} {pick(curve.Points[^1]):0.#}</text>");
        }

        return svg.Append("</svg>\n").ToString();
    }

    private static IEnumerable<ReceiptItem> Items(BenchTask task) =>
        task.Receipt.Hot.Select(item => item with { Item = item.Item.Split(" (")[0] }).Append(new ReceiptItem(Unexplained, task.Receipt.UnexplainedUs));

    private static string Colour(string[] names, string item) => item == Unexplained ? UnexplainedPart : s_parts[Array.IndexOf(names, item) % s_parts.Length];

    private static void Quantiles(StringBuilder svg, Scale scale, IReadOnlyList<double> quantiles, int top, string metal)
    {
        int middle = quantiles.Count / 2;
        Bar(svg, scale, quantiles[0], quantiles[^1], top + 3, $"class=\"{metal}\" opacity=\"0.35\"", 3);
        Bar(svg, scale, quantiles[middle - 2], quantiles[middle + 2], top, $"class=\"{metal}\" opacity=\"0.7\"");
        svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"{metal}\" x=\"{scale.X(quantiles[middle]) - 1.5:0.0}\" y=\"{top - 1}\" width=\"3\" height=\"{BarHeight + 2}\"/>");
    }

    private static int Top(int row) => 12 + (row * RowHeight);

    private static StringBuilder Begin(int rows, Scale scale, string unit, string label, int legendRows = 0)
    {
        int height = Top(rows) + 30 + (legendRows * 18);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Width} {height}\" role=\"img\" aria-label=\"{Text(label)}\">");
        foreach (double tick in scale.Ticks)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"axis\" x1=\"{scale.X(tick):0.0}\" x2=\"{scale.X(tick):0.0}\" y1=\"4\" y2=\"{Top(rows)}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text class=\"muted\" x=\"{scale.X(tick):0.0}\" y=\"{Top(rows) + 14}\" text-anchor=\"middle\">{tick:0.##} {unit}</text>");
        }

        return svg;
    }

    private static string End(StringBuilder svg) => svg.Append("</svg>\n").ToString();

    private static void Label(StringBuilder svg, string task, int top) =>
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 8}\" y=\"{top + 13}\" text-anchor=\"end\">{Text(task)}</text>");

    private static void Value(StringBuilder svg, double x, int y, double us) =>
        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"muted\" x=\"{x + 5:0.0}\" y=\"{y}\">{us:+0.00;-0.00}</text>");

    private static void Bar(StringBuilder svg, Scale scale, double from, double to, int top, string look, int height = BarHeight, string? title = null)
    {
        double x = Math.Min(scale.X(from), scale.X(to)), width = Math.Abs(scale.X(to) - scale.X(from));
        svg.Append(CultureInfo.InvariantCulture, $"<rect {look} x=\"{x:0.0}\" y=\"{top}\" width=\"{Math.Max(width, 0.5):0.0}\" height=\"{height}\">{(title is null ? "" : $"<title>{Text(title)}</title>")}</rect>");
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    /// <summary>From values to places between the labels and the right edge.</summary>
    private sealed record Scale(double Low, double High, bool IsLogarithmic, IReadOnlyList<double> Ticks)
    {
        /// <summary>From zero, or from below it, to the greatest; ticks at round numbers.</summary>
        public static Scale Of(IEnumerable<double> values)
        {
            double[] all = [0, .. values];
            double low = all.Min(), high = Math.Max(all.Max(), low + 0.01);
            double raw = (high - low) / 6, power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
            double step = power * (raw / power <= 2 ? 2 : raw / power <= 5 ? 5 : 10);
            int first = (int)Math.Ceiling(low / step), last = (int)Math.Floor(high / step);
            return new Scale(low, high, IsLogarithmic: false, [.. Enumerable.Range(first, last - first + 1).Select(tick => tick * step)]);
        }

        public static Scale Logarithmic(IEnumerable<double> values)
        {
            double[] all = [.. values.Select(value => Math.Log10(Math.Max(value, 0.001)))];
            if (all.Length == 0) all = [0, 1];
            double low = all.Min(), high = Math.Max(all.Max(), low + 0.3);
            int first = (int)Math.Ceiling(low), last = (int)Math.Floor(high);
            return new Scale(low, high, IsLogarithmic: true, [.. Enumerable.Range(first, Math.Max(0, last - first + 1)).Select(tick => Math.Pow(10, tick))]);
        }

        public double X(double value)
        {
            double place = IsLogarithmic ? Math.Log10(Math.Max(value, 0.001)) : value;
            return Left + ((Width - Left - Right) * (place - Low) / (High - Low));
        }
    }
}
