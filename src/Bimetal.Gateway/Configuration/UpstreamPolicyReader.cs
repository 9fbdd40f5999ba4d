// health: and retries: of an upstream.

using System.Globalization;
using Bimetal.Gateway.Routing;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

internal static class UpstreamPolicyReader
{
    private static readonly (string Word, RetryCauses Cause)[] Causes =
    [
        ("connect-failure", RetryCauses.ConnectFailure), ("reset-before-response", RetryCauses.ResetBeforeResponse), ("timeout", RetryCauses.Timeout),
        ("502", RetryCauses.Status502), ("503", RetryCauses.Status503), ("504", RetryCauses.Status504),
    ];

    public static HealthConfig ReadHealth(ConfigMapping upstream, ConfigReport report)
    {
        var defaults = new HealthConfig();
        if (upstream.Mapping("health") is not { } health) return defaults;
        var read = new HealthConfig { Active = ReadActive(health, report), Passive = ReadPassive(health, report), Panic = health.Share("panic", defaults.Panic) };
        health.Finish();
        return read;
    }

    public static RetryConfig ReadRetries(ConfigMapping upstream, ConfigReport report)
    {
        var defaults = new RetryConfig();
        if (upstream.Mapping("retries") is not { } retries) return defaults;
        var read = new RetryConfig
        {
            Attempts = retries.Count("attempts", defaults.Attempts, 0, 10),
            On = ReadCauses(retries, report),
            PerTry = retries.Duration("per_try", null),
            BufferBytes = (int)retries.Size("buffer", defaults.BufferBytes, 0, 16 << 20),
            Backoff = retries.Duration("backoff", defaults.Backoff) ?? TimeSpan.Zero,
            Budget = ReadBudget(retries),
        };
        retries.Finish();
        if (read.PerTry is not null && !read.On.HasFlag(RetryCauses.Timeout)) retries.Warn("per_try", "ends a try, but 'timeout' is no cause to try again here", "add timeout to retries.on");
        return read;
    }

    private static ActiveHealthConfig? ReadActive(ConfigMapping health, ConfigReport report)
    {
        string? path = health.Text("path");
        var defaults = new ActiveHealthConfig { Path = path ?? "/" };
        var read = defaults with
        {
            Host = health.Text("host"),
            Interval = health.Duration("interval", defaults.Interval) ?? ConfigScalars.MaximumDuration,
            Timeout = health.Duration("timeout", defaults.Timeout) ?? ConfigScalars.MaximumDuration,
            Healthy = health.Count("healthy", defaults.Healthy, 1, 100),
            Unhealthy = health.Count("unhealthy", defaults.Unhealthy, 1, 100),
            Statuses = ReadStatuses(health, "status", defaults.Statuses, report),
        };
        if (path is not null && !(path.StartsWith('/') && RequestTarget.TryNormalize(path, out string normal) && normal == path)) health.Error("path", $"'{path}' is not a path in normal form", "write a path such as /healthz");
        if (read.Host is { } host && !HostPattern.IsAuthority(host)) health.Error("host", $"'{host}' is not a host", "write a host name, with a port if needed");
        if (path is not null) return read;
        foreach (string key in (ReadOnlySpan<string>)["host", "interval", "timeout", "healthy", "unhealthy", "status"])
        {
            if (health.Has(key)) health.Error(key, "has a meaning for checks only, and there are none without a path", "write path: /healthz");
        }

        return null;
    }

    private static PassiveHealthConfig? ReadPassive(ConfigMapping health, ConfigReport report)
    {
        var defaults = new PassiveHealthConfig();
        if (health.Mapping("passive") is not { } passive) return defaults;
        var read = new PassiveHealthConfig
        {
            Failures = passive.Count("failures", defaults.Failures, 0, 1000),
            Eject = passive.Duration("eject", defaults.Eject) ?? ConfigScalars.MaximumDuration,
            MaximumEject = passive.Duration("max_eject", defaults.MaximumEject) ?? ConfigScalars.MaximumDuration,
            Statuses = ReadStatuses(passive, "status", defaults.Statuses, report),
        };
        passive.Finish();
        return read.Failures == 0 ? null : read;
    }

    private static RetryCauses ReadCauses(ConfigMapping retries, ConfigReport report)
    {
        var causes = RetryCauses.None;
        foreach (var (path, node) in retries.OneOf("on", [.. Causes.Select(cause => cause.Word)]))
        {
            string word = (node as YamlScalarNode)?.Value ?? "";
            var cause = Array.Find(Causes, cause => cause.Word == word).Cause;
            if (cause == RetryCauses.None) report.Error(node.Start.Line, path, $"'{word}' is not known here", NearestKey.Remedy(word, [.. Causes.Select(known => known.Word)]));
            causes |= cause;
        }

        return retries.Has("on") ? causes : new RetryConfig().On;
    }

    private static RetryBudgetConfig ReadBudget(ConfigMapping retries)
    {
        var defaults = new RetryBudgetConfig();
        if (retries.Mapping("budget") is not { } budget) return defaults;
        var read = new RetryBudgetConfig(budget.Share("share", defaults.Share), budget.Count("minimum", defaults.MinimumPerSecond, 0, 1_000_000));
        budget.Finish();
        return read;
    }

    /// <summary>Statuses and ranges of them: 200, 200-299, or a list of both.</summary>
    private static IReadOnlyList<StatusRange> ReadStatuses(ConfigMapping mapping, string key, IReadOnlyList<StatusRange> absent, ConfigReport report)
    {
        var ranges = new List<StatusRange>();
        foreach (var (path, node) in mapping.OneOrMore(key, "write a status such as 200, a range such as 200-299, or a list of them"))
        {
            string text = (node as YamlScalarNode)?.Value ?? "";
            string[] ends = text.Split('-');
            if (ends.Length <= 2 && TryStatus(ends[0], out int first) && TryStatus(ends[^1], out int last) && first <= last) ranges.Add(new StatusRange(first, last));
            else report.Error(node.Start.Line, path, $"'{text}' is not a status", "write a status such as 200, a range such as 200-299, or a list of them");
        }

        return ranges.Count > 0 ? ranges : absent;
    }

    private static bool TryStatus(string text, out int status) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out status) && status is >= 100 and <= 599;
}
