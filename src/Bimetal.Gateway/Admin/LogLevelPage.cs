// /log-level: GET says which lines are logged, PUT changes it until the next start. The body is one word.

using System.Text;
using Bimetal.Gateway.Telemetry;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Admin;

internal static class LogLevelPage
{
    private static readonly LogLevel[] Levels = [LogLevel.Trace, LogLevel.Debug, LogLevel.Information, LogLevel.Warning, LogLevel.Error, LogLevel.Critical];

    public static AdminAnswer Answer(AdminContext context, AdminCall call)
    {
        if (context.Log is not LineLog log) return AdminAnswer.Error(409, "no-log-level", "the gateway was started with a log that has no level");
        if (call.Method == "PUT")
        {
            string word = Encoding.UTF8.GetString(call.Body.Span).Trim().Trim('"');
            int index = Array.FindIndex(Levels, level => LineLog.Word(level) == word);
            if (index < 0) return AdminAnswer.Error(400, "no-such-level", "send one of " + string.Join(", ", Levels.Select(LineLog.Word)));
            GatewayLog.LevelChanged(log, LineLog.Word(log.Minimum), word);
            log.Minimum = Levels[index];
        }

        return AdminAnswer.Json(200, writer => writer.WriteString("level", LineLog.Word(log.Minimum)));
    }
}
