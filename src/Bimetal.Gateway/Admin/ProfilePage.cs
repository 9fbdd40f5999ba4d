// A part of /plugins: the profile, the decision that follows from it, the live times to lay beside it, and the shadow.

using System.Text.Json;
using Bimetal.Gateway.Telemetry;
using Bimetal.Plugins;

namespace Bimetal.Gateway.Admin;

internal static class ProfilePage
{
    /// <param name="times">Live times of the plugin's requests: of one in sixty-four, and of those that are traced.</param>
    public static void Write(Utf8JsonWriter writer, LoadedPlugin loaded, FilterTimes times)
    {
        if (loaded.Notice.Length > 0) writer.WriteString("choice", loaded.Notice);
        if (times.Find(loaded.Config.Name) is { } live) PluginsPage.WriteTimes(writer, "request", live);
        WriteProfile(writer, loaded);
        WriteShadow(writer, loaded);
    }

    private static void WriteProfile(Utf8JsonWriter writer, LoadedPlugin loaded)
    {
        if (loaded.Profile is not { } profile) return;
        writer.WriteStartObject("profile");
        writer.WriteString("measured", profile.Measured);
        writer.WriteNumber("nativeP50Us", profile.Native.P50Us);
        writer.WriteNumber("nativeP99Us", profile.Native.P99Us);
        writer.WriteNumber("wasmP50Us", profile.Wasm.P50Us);
        writer.WriteNumber("wasmP99Us", profile.Wasm.P99Us);
        writer.WriteNumber("taxUs", profile.TaxUs);
        if (profile.Native.P50Us > 0) writer.WriteNumber("taxRatio", Math.Round(profile.Wasm.P50Us / profile.Native.P50Us, 3));
        if (loaded.Plugin is { } plugin) writer.WriteNumber("otherMetalP99Us", plugin.Metal == Metal.Native ? profile.Wasm.P99Us : profile.Native.P99Us);
        writer.WriteEndObject();
    }

    private static void WriteShadow(Utf8JsonWriter writer, LoadedPlugin loaded)
    {
        if (loaded.Shadow is not { } shadow) return;
        var counts = shadow.Counts;
        writer.WriteStartObject("shadow");
        writer.WriteString("metal", PluginWords.Of(shadow.Metal));
        writer.WriteNumber("compared", counts.Compared);
        writer.WriteNumber("different", counts.Different);
        writer.WriteNumber("dropped", shadow.Dropped);
        if (counts.Example is not null) writer.WriteString("example", counts.Example);
        PluginsPage.WriteTimes(writer, "request", shadow.Times);
        writer.WriteEndObject();
    }
}
