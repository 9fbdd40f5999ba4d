// The entry image_meta: of a route's filters.

using Bimetal.Gateway.Filters.Images;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

/// <summary><c>image_meta:</c>, checked.</summary>
internal sealed record ImageMetaFilterConfig : FilterConfig
{
    /// <summary>Uploads instead of responses.</summary>
    public bool ReadsRequests { get; init; }

    /// <summary>Refuse what is no sound image of a kind that is known; for uploads only.</summary>
    public bool IsRequired { get; init; }

    /// <summary>Images with more pixels than that are refused as uploads, and get no plan as responses.</summary>
    public long MaximumPixels { get; init; } = 100_000_000;

    /// <summary>Null: the query is not looked at.</summary>
    public TransformRules? Transform { get; init; }
}

internal static class ImageMetaFilterReader
{
    public static FilterConfig Read(ConfigMapping image, FilterSurroundings surroundings)
    {
        var config = new ImageMetaFilterConfig
        {
            ReadsRequests = image.Choice("on", absent: false, ("response", false), ("request", true)),
            IsRequired = image.Flag("required", absent: false),
            MaximumPixels = image.Count("max_pixels", 100_000_000, 1, int.MaxValue),
            Transform = ReadTransform(image),
        };
        if (config.IsRequired && !config.ReadsRequests) image.Error("required", "is for uploads", "write on: request, or remove the key");
        if (config.Transform is not null && config.ReadsRequests) image.Error("transform", "is for responses", "write on: response, or remove the key");
        return config;
    }

    private static TransformRules? ReadTransform(ConfigMapping image)
    {
        if (image.Mapping("transform") is not { } transform) return null;
        var rules = new TransformRules
        {
            MaximumWidth = transform.Count("max_width", 4096, 1, 65_535),
            MaximumHeight = transform.Count("max_height", 4096, 1, 65_535),
            Widths = ReadWidths(transform),
            Formats = ReadFormats(transform),
            AllowsUpscaling = transform.Flag("upscale", absent: false),
        };
        transform.Finish();
        return rules;
    }

    private static List<int> ReadWidths(ConfigMapping transform)
    {
        const string Remedy = "write a list of widths in pixels, such as [320, 640, 1280]";
        var widths = new List<int>();
        foreach (string text in transform.Texts("widths", Remedy))
        {
            if (int.TryParse(text, out int width) && width is > 0 and <= 65_535) widths.Add(width);
            else transform.Error("widths", $"'{text}' is not a width", Remedy);
        }

        return widths;
    }

    private static IReadOnlyList<string> ReadFormats(ConfigMapping transform)
    {
        var formats = new List<string>();
        foreach (var (_, node) in transform.OneOf("formats", TransformRules.KnownFormats))
        {
            string text = node is YamlScalarNode { Value: { } value } ? value : "";
            if (TransformRules.KnownFormats.Contains(text)) formats.Add(text);
            else transform.Error("formats", $"'{text}' is not known here", NearestKey.Remedy(text, TransformRules.KnownFormats));
        }

        return formats.Count == 0 ? TransformRules.KnownFormats : formats;
    }
}
