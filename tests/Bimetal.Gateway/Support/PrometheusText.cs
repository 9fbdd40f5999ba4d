// A strict reader of Prometheus' text format 0.0.4, written from its description: throws for whatever a scraper could trip over.

using System.Globalization;
using System.Text;

namespace Bimetal.Gateway.Tests.Support;

internal sealed record PrometheusSample(string Name, IReadOnlyDictionary<string, string> Labels, double Value);

internal sealed record PrometheusFamily(string Name, string Type, string Help, List<PrometheusSample> Samples);

internal sealed class PrometheusText
{
    private readonly Dictionary<string, PrometheusFamily> _families = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, PrometheusFamily> Families => _families;

    public static PrometheusText Parse(string text)
    {
        Assert.EndsWith("\n", text);
        Assert.DoesNotContain('\r', text);
        var result = new PrometheusText();
        string[] lines = text[..^1].Split('\n');
        PrometheusFamily? current = null;
        for (int index = 0; index < lines.Length; index++)
        {
            if (lines[index].StartsWith("# HELP ", StringComparison.Ordinal))
            {
                string[] help = lines[index].Split(' ', 4);
                string[] type = lines[++index].Split(' ');
                Assert.Equal(4, help.Length);
                Assert.Equal(["#", "TYPE", help[2]], type[..3]);
                Assert.Contains(type[3], (string[])["counter", "gauge", "histogram"]);
                Assert.Matches("^[a-zA-Z_:][a-zA-Z0-9_:]*$", help[2]);
                if (type[3] == "counter") Assert.EndsWith("_total", help[2]);
                current = new PrometheusFamily(help[2], type[3], help[3], []);
                Assert.True(result._families.TryAdd(help[2], current), "twice: " + help[2]);
                continue;
            }

            Assert.NotNull(current);
            var sample = ParseSample(lines[index]);
            Assert.Contains(sample.Name, Names(current));
            current.Samples.Add(sample);
        }

        foreach (var family in result._families.Values) Check(family);
        return result;
    }

    public double Value(string name, params (string Name, string Value)[] labels) => Find(name, labels).Single().Value;

    public bool Has(string name, params (string Name, string Value)[] labels) => Find(name, labels).Any();

    private IEnumerable<PrometheusSample> Find(string name, (string Name, string Value)[] labels) => _families.Values.SelectMany(family => family.Samples)
        .Where(sample => sample.Name == name && Array.TrueForAll(labels, label => sample.Labels.GetValueOrDefault(label.Name) == label.Value));

    private static string[] Names(PrometheusFamily family) =>
        family.Type == "histogram" ? [family.Name + "_bucket", family.Name + "_sum", family.Name + "_count"] : [family.Name];

    private static PrometheusSample ParseSample(string line)
    {
        int end = line.IndexOfAny(['{', ' ']);
        string name = line[..end];
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        int at = end;
        if (line[at] == '{')
        {
            at++;
            while (line[at] != '}')
            {
                if (labels.Count > 0) Assert.Equal(',', line[at++]);
                int equals = line.IndexOf('=', at);
                string label = line[at..equals];
                Assert.Matches("^[a-zA-Z_][a-zA-Z0-9_]*$", label);
                Assert.Equal('"', line[equals + 1]);
                at = equals + 2;
                Assert.True(labels.TryAdd(label, ParseValue(line, ref at)), "label twice in " + line);
            }

            at++;
        }

        Assert.Equal(' ', line[at]);
        string number = line[(at + 1)..];
        Assert.DoesNotContain(' ', number);
        return new PrometheusSample(name, labels, number == "+Inf" ? double.PositiveInfinity : double.Parse(number, NumberStyles.Float, CultureInfo.InvariantCulture));
    }

    private static string ParseValue(string line, ref int at)
    {
        var value = new StringBuilder();
        while (line[at] != '"')
        {
            if (line[at] != '\\')
            {
                value.Append(line[at++]);
                continue;
            }

            value.Append(line[at + 1] switch { 'n' => '\n', '"' => '"', '\\' => '\\', _ => throw new FormatException("escape in " + line) });
            at += 2;
        }

        at++;
        return value.ToString();
    }

    private static void Check(PrometheusFamily family)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var sample in family.Samples) Assert.True(seen.Add(Identity(sample, sample.Labels)), "series twice: " + Identity(sample, sample.Labels));
        if (family.Type == "counter") Assert.All(family.Samples, sample => Assert.True(sample.Value >= 0));
        if (family.Type != "histogram") return;
        foreach (var series in family.Samples.GroupBy(sample => Identity(null, sample.Labels.Where(label => label.Key != "le"))))
        {
            var buckets = series.Where(sample => sample.Name.EndsWith("_bucket", StringComparison.Ordinal)).ToList();
            var edges = buckets.Select(bucket => bucket.Labels["le"] == "+Inf" ? double.PositiveInfinity : double.Parse(bucket.Labels["le"], CultureInfo.InvariantCulture)).ToList();
            Assert.Equal(edges.Order(), edges);
            Assert.Equal(double.PositiveInfinity, edges[^1]);
            Assert.Equal(buckets.Select(bucket => bucket.Value).Order(), buckets.Select(bucket => bucket.Value));
            Assert.Equal(buckets[^1].Value, series.Single(sample => sample.Name.EndsWith("_count", StringComparison.Ordinal)).Value);
            Assert.Single(series, sample => sample.Name.EndsWith("_sum", StringComparison.Ordinal));
        }
    }

    private static string Identity(PrometheusSample? sample, IEnumerable<KeyValuePair<string, string>> labels) =>
        sample?.Name + "{" + string.Join(",", labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key}={label.Value}")) + "}";
}
