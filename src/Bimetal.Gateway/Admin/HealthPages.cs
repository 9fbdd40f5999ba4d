// /healthz: the process answers. /readyz: it wants traffic; not while it drains.

namespace Bimetal.Gateway.Admin;

internal static class HealthPages
{
    public static AdminAnswer Health() => AdminAnswer.Json(200, static writer => writer.WriteString("status", "ok"));

    public static AdminAnswer Readiness(AdminContext context) => context.Services.IsDraining
        ? AdminAnswer.Json(503, static writer => writer.WriteString("status", "draining"))
        : AdminAnswer.Json(200, static writer => writer.WriteString("status", "ready"));
}
