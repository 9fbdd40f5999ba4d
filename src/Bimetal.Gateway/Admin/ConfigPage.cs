// /config: the configuration in force and the last reload. /reload: reads the file again and answers what came of it.

using System.Text.Json;
using Bimetal.Gateway.Operation;

namespace Bimetal.Gateway.Admin;

internal static class ConfigPage
{
    public static AdminAnswer Answer(AdminContext context)
    {
        var model = context.Model();
        return AdminAnswer.Json(200, writer =>
        {
            writer.WriteNumber("generation", model.Generation);
            writer.WriteNumber("retiredModels", context.RetiredModels());
            if (context.Reloader.Last is { } last)
            {
                writer.WriteStartObject("lastReload");
                WriteOutcome(writer, last);
                writer.WriteEndObject();
            }

            writer.WritePropertyName("configuration");
            if (model.Config.Text.IsEmpty) writer.WriteNullValue();
            else writer.WriteRawValue(model.Config.Text.Span);
        });
    }

    public static async Task<AdminAnswer> ReloadAsync(AdminContext context)
    {
        var outcome = await context.Reloader.ReloadAsync("admin");
        return AdminAnswer.Json(outcome.IsApplied ? 200 : 409, writer => WriteOutcome(writer, outcome));
    }

    public static void WriteOutcome(Utf8JsonWriter writer, ReloadOutcome outcome)
    {
        writer.WriteString("result", outcome.IsApplied ? "applied" : "refused");
        writer.WriteString("trigger", outcome.Trigger);
        writer.WriteString("at", outcome.At.UtcDateTime);
        writer.WriteNumber("durationMs", (long)outcome.Duration.TotalMilliseconds);
        writer.WriteNumber("generation", outcome.Generation);
        WriteLines(writer, "problems", outcome.Problems);
        WriteLines(writer, "warnings", outcome.Warnings);
    }

    private static void WriteLines(Utf8JsonWriter writer, string name, IReadOnlyList<string> lines)
    {
        writer.WriteStartArray(name);
        foreach (string line in lines) writer.WriteStringValue(line);
        writer.WriteEndArray();
    }
}
