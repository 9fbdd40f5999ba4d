// /plugins: each plugin with its metal, its failures by kind, and what it took.

using System.Text.Json;
using Bimetal.Gateway.Telemetry;
using Bimetal.Plugins;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Admin;

internal static class PluginsPage
{
    public static AdminAnswer Answer(AdminContext context) => AdminAnswer.Json(200, writer => WriteAll(writer, context.Model()));

    public static void WriteAll(Utf8JsonWriter writer, GatewayModel model)
    {
        writer.WriteStartArray("plugins");
        foreach (var loaded in model.Plugins) Write(writer, loaded, model.Telemetry.FilterTimes);
        writer.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter writer, LoadedPlugin loaded, FilterTimes times)
    {
        var config = loaded.Config;
        writer.WriteStartObject();
        writer.WriteString("name", config.Name);
        writer.WriteString("state", PluginWords.StateOf(loaded));
        if (loaded.Plugin is null) writer.WriteString("problem", loaded.Problem);
        else writer.WriteString("metal", PluginWords.Of(loaded.Plugin.Metal));
        writer.WriteString("trust", PluginWords.Of(config.Trust));
        writer.WriteString("instance", PluginWords.Of(config.EffectiveInstance));
        if (config.LatencyBudget is { } budget) writer.WriteNumber("latencyBudgetUs", (long)budget.TotalMicroseconds);
        WriteBudget(writer, loaded.Budget);
        ProfilePage.Write(writer, loaded, times);
        writer.WriteNumber("calls", loaded.Plugin?.Statistics.Streams ?? 0);
        writer.WriteStartObject("failures");
        foreach (var kind in Enum.GetValues<FailureKind>())
            writer.WriteNumber(PluginWords.Of(kind), loaded.Plugin?.Statistics.FailuresOf(kind) ?? 0);
        writer.WriteEndObject();
        if (loaded.Plugin is not null) WriteFigures(writer, loaded.Plugin);
        writer.WriteEndObject();
    }

    /// <summary>What is known of a latency budget: how many exchanges were timed against it, how many were over, and their p99.</summary>
    public static void WriteBudget(Utf8JsonWriter writer, BudgetWatch? watch)
    {
        if (watch is null) return;
        writer.WriteStartObject("budget");
        writer.WriteNumber("timed", watch.Times.Count);
        writer.WriteNumber("over", watch.Over);
        writer.WriteNumber("p99Us", Math.Round(watch.Times.QuantileMicroseconds(0.99), 2));
        writer.WriteBoolean("exceeded", watch.IsExceeded);
        writer.WriteEndObject();
    }

    private static void WriteFigures(Utf8JsonWriter writer, Plugin plugin)
    {
        var statistics = plugin.Statistics;
        writer.WriteNumber("sampledOneIn", statistics.SampleEvery);
        writer.WriteNumber("cpuUs", (long)statistics.EstimatedCpu.TotalMicroseconds);
        WriteTimes(writer, "begin", statistics.BeginTimes);
        WriteTimes(writer, "end", statistics.EndTimes);
        writer.WriteStartObject("callbacks");
        foreach (var callback in PluginWords.Callbacks)
        {
            if (statistics.CallbackTimesOf(callback) is { Count: > 0 } times) WriteTimes(writer, PluginWords.Of(callback), times);
        }

        writer.WriteEndObject();
        if (plugin.Metal != Metal.Wasm) return;
        var (existing, inUse) = plugin.Instances;
        writer.WriteNumber("instances", existing);
        writer.WriteNumber("instancesInUse", inUse);
        writer.WriteNumber("peakMemoryBytes", statistics.PeakMemoryBytes);
    }

    public static void WriteTimes(Utf8JsonWriter writer, string name, TimeHistogram times)
    {
        writer.WriteStartObject(name);
        writer.WriteNumber("samples", times.Count);
        writer.WriteNumber("p50Us", Math.Round(times.QuantileMicroseconds(0.5), 2));
        writer.WriteNumber("p99Us", Math.Round(times.QuantileMicroseconds(0.99), 2));
        writer.WriteEndObject();
    }
}
