// Descriptors, indexes and manifests: what is read of them, nothing more.

using System.Text.Encodings.Web;
using System.Text.Json;

namespace Bimetal.Plugins.Bundles.Oci;

/// <summary>A reference to a blob.</summary>
internal sealed record OciDescriptor(string MediaType, OciDigest Digest, long SizeBytes)
{
    private static readonly IReadOnlyDictionary<string, string> s_none = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Annotations { get; init; } = s_none;

    /// <summary>Go's names (linux, amd64), as images have them; empty without a platform.</summary>
    public string Os { get; init; } = "";

    public string Architecture { get; init; } = "";

    public static OciDescriptor Of(string mediaType, ReadOnlySpan<byte> bytes) => new(mediaType, OciDigest.Of(bytes), bytes.Length);

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("mediaType", MediaType);
        writer.WriteString("digest", Digest.ToString());
        writer.WriteNumber("size", SizeBytes);
        if (Os.Length > 0)
        {
            writer.WriteStartObject("platform");
            writer.WriteString("architecture", Architecture);
            writer.WriteString("os", Os);
            writer.WriteEndObject();
        }

        WriteAnnotations(writer, Annotations);
        writer.WriteEndObject();
    }

    public static void WriteAnnotations(Utf8JsonWriter writer, IReadOnlyDictionary<string, string> annotations)
    {
        if (annotations.Count == 0) return;
        writer.WriteStartObject("annotations");
        foreach (var (name, value) in annotations.OrderBy(pair => pair.Key, StringComparer.Ordinal)) writer.WriteString(name, value);
        writer.WriteEndObject();
    }
}

/// <summary>An index (its manifests) or a manifest (its layers).</summary>
/// <param name="Children">Manifests of an index, layers of a manifest.</param>
/// <param name="Config">Of a manifest; null for an index.</param>
internal sealed record OciDocument(string MediaType, IReadOnlyList<OciDescriptor> Children, OciDescriptor? Config, IReadOnlyDictionary<string, string> Annotations)
{
    /// <summary>Largest document; those of bundles have a few KiB.</summary>
    public const int MaximumBytes = 4 << 20;

    private const int MaximumChildren = 1024;

    /// <summary>Media types have a plus sign, which the default encoder would escape for browsers' sake.</summary>
    public static JsonWriterOptions JsonOptions { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public bool IsIndex => Config is null;

    /// <summary>Reads an index or a manifest.</summary>
    /// <param name="mediaType">What whoever refers to it says it is; empty: what it says itself, or is by its members.</param>
    /// <exception cref="BundleException">It is neither.</exception>
    public static OciDocument Parse(ReadOnlyMemory<byte> json, string mediaType = "")
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 16 });
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) throw new BundleException("a manifest is not a JSON object");
            bool hasManifests = root.TryGetProperty("manifests", out var manifests);
            if (!hasManifests && !root.TryGetProperty("layers", out manifests)) throw new BundleException("a manifest has neither manifests nor layers");
            string own = Text(root, "mediaType");
            if (mediaType.Length == 0) mediaType = own.Length > 0 ? own : hasManifests ? MediaTypes.Index : MediaTypes.Manifest;
            bool isKnown = hasManifests ? MediaTypes.IsIndex(mediaType) : MediaTypes.IsManifest(mediaType);
            if (!isKnown || (own.Length > 0 && own != mediaType)) throw new BundleException($"the media type {(own.Length > 0 ? own : mediaType)} of a manifest is not one that fits its content");
            if (manifests.ValueKind != JsonValueKind.Array || manifests.GetArrayLength() > MaximumChildren) throw new BundleException($"a manifest has no list of at most {MaximumChildren} descriptors");
            var config = !hasManifests && root.TryGetProperty("config", out var element) ? Descriptor(element) : null;
            if (!hasManifests && config is null) throw new BundleException("a manifest has no config");
            return new OciDocument(mediaType, [.. manifests.EnumerateArray().Select(Descriptor)], config, AnnotationsOf(root));
        }
        catch (JsonException exception)
        {
            throw new BundleException($"a manifest is not JSON: {exception.Message}");
        }
    }

    public byte[] Write()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, JsonOptions))
        {
            writer.WriteStartObject();
            writer.WriteNumber("schemaVersion", 2);
            writer.WriteString("mediaType", MediaType);
            if (Config is not null)
            {
                writer.WritePropertyName("config");
                Config.Write(writer);
            }

            writer.WriteStartArray(IsIndex ? "manifests" : "layers");
            foreach (var child in Children) child.Write(writer);
            writer.WriteEndArray();
            OciDescriptor.WriteAnnotations(writer, Annotations);
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static OciDescriptor Descriptor(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object) throw new BundleException("a descriptor is not a JSON object");
        if (!OciDigest.TryParse(Text(element, "digest"), out var digest)) throw new BundleException($"'{Text(element, "digest")}' is not a SHA-256 digest");
        bool hasSize = element.TryGetProperty("size", out var size) && size.ValueKind == JsonValueKind.Number && size.TryGetInt64(out long bytes) && bytes >= 0;
        if (!hasSize) throw new BundleException($"the descriptor of {digest} has no size");
        bool hasPlatform = element.TryGetProperty("platform", out var platform) && platform.ValueKind == JsonValueKind.Object;
        return new OciDescriptor(Text(element, "mediaType"), digest, size.GetInt64())
        {
            Annotations = AnnotationsOf(element),
            Os = hasPlatform ? Text(platform, "os") : "",
            Architecture = hasPlatform ? Text(platform, "architecture") : "",
        };
    }

    private static string Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static Dictionary<string, string> AnnotationsOf(JsonElement element)
    {
        var annotations = new Dictionary<string, string>();
        if (!element.TryGetProperty("annotations", out var list) || list.ValueKind != JsonValueKind.Object) return annotations;
        foreach (var property in list.EnumerateObject().Where(property => property.Value.ValueKind == JsonValueKind.String)) annotations[property.Name] = property.Value.GetString()!;
        return annotations;
    }
}
