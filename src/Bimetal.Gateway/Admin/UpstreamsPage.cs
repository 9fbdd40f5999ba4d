// /upstreams: each upstream with its endpoints.

using System.Text.Json;

namespace Bimetal.Gateway.Admin;

internal static class UpstreamsPage
{
    public static AdminAnswer Answer(AdminContext context) => AdminAnswer.Json(200, writer => WriteAll(writer, context.Model()));

    public static void WriteAll(Utf8JsonWriter writer, GatewayModel model)
    {
        writer.WriteStartArray("upstreams");
        foreach (var upstream in model.Upstreams)
        {
            writer.WriteStartObject();
            writer.WriteString("name", upstream.Name);
            writer.WriteStartArray("endpoints");
            foreach (var endpoint in upstream.Config.Endpoints)
            {
                writer.WriteStartObject();
                writer.WriteString("address", endpoint.Authority);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
