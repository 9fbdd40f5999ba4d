// Names and passwords of registries, from the file that docker, podman, skopeo and Kubernetes use: {"auths":{"HOST":{"auth":"base64 of name:password"}}}.

using System.Text;
using System.Text.Json;

namespace Bimetal.Plugins.Bundles.Registry;

/// <summary>A name and a password.</summary>
internal sealed record RegistryLogin(string Name, string Password)
{
    public string Basic => Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Name}:{Password}"));

    public override string ToString() => Name;
}

internal static class RegistryCredentials
{
    private const int MaximumFileBytes = 1 << 20;

    /// <summary>The login for a registry, or null.</summary>
    /// <param name="file">Null: $REGISTRY_AUTH_FILE, $DOCKER_CONFIG/config.json or ~/.docker/config.json, whichever is there first.</param>
    /// <exception cref="PluginLoadException">The file that was named cannot be read.</exception>
    public static RegistryLogin? Find(string host, string? file)
    {
        string? path = file ?? Standard().FirstOrDefault(File.Exists);
        if (path is null) return null;
        try
        {
            if (new FileInfo(path).Length > MaximumFileBytes) throw new PluginLoadException($"{path}: is longer than {MaximumFileBytes} bytes, so it does not hold logins");
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 16 });
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("auths", out var auths) || auths.ValueKind != JsonValueKind.Object) return null;
            foreach (string name in new[] { host, $"https://{host}", $"https://{host}/v2/", $"https://{host}/v1/" })
            {
                if (!auths.TryGetProperty(name, out var entry) || entry.ValueKind != JsonValueKind.Object) continue;
                if (entry.TryGetProperty("auth", out var auth) && auth.ValueKind == JsonValueKind.String) return Decode(auth.GetString()!, path, host);
            }

            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new PluginLoadException($"{path}: cannot be read as a file of logins: {exception.Message}", exception);
        }
    }

    private static RegistryLogin Decode(string auth, string path, string host)
    {
        byte[] bytes = new byte[auth.Length];
        string text = Convert.TryFromBase64String(auth, bytes, out int length) ? Encoding.UTF8.GetString(bytes, 0, length) : "";
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 ? new RegistryLogin(text[..colon], text[(colon + 1)..]) : throw new PluginLoadException($"{path}: the login for {host} is not the base64 of name:password");
    }

    private static IEnumerable<string> Standard()
    {
        if (Environment.GetEnvironmentVariable("REGISTRY_AUTH_FILE") is { Length: > 0 } chosen) yield return chosen;
        if (Environment.GetEnvironmentVariable("DOCKER_CONFIG") is { Length: > 0 } folder) yield return Path.Combine(folder, "config.json");
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if (home.Length > 0) yield return Path.Combine(home, ".docker/config.json");
    }
}
