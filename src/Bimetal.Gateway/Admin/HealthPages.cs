// /healthz: the process answers, and the state of each plugin. /readyz: it wants traffic; not while it drains.

namespace Bimetal.Gateway.Admin;

internal static class HealthPages
{
    /// <summary>200 whatever the plugins' states are: restarting the process would mend none of them.</summary>
    public static AdminAnswer Health(AdminContext context) => AdminAnswer.Json(200, writer =>
    {
        writer.WriteString("status", "ok");
        writer.WriteStartObject("plugins");
        foreach (var plugin in context.Model().Plugins) writer.WriteString(plugin.Config.Name, PluginWords.StateOf(plugin));
        writer.WriteEndObject();
    });

    public static AdminAnswer Readiness(AdminContext context) => context.Services.IsDraining
        ? AdminAnswer.Json(503, static writer => writer.WriteString("status", "draining"))
        : AdminAnswer.Json(200, static writer => writer.WriteString("status", "ready"));
}
