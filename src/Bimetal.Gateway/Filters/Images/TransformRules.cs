// What the query of a request may ask to be done to an image, and the reading of it. Every value is checked before an upstream hears of it.

using System.Globalization;
using Bimetal.Gateway.Routing;

namespace Bimetal.Gateway.Filters.Images;

/// <summary><c>transform:</c> of the filter image_meta.</summary>
internal sealed record TransformRules
{
    public static IReadOnlyList<string> KnownFormats { get; } = ["jpeg", "png", "webp", "avif", "gif"];

    private static readonly string[] Fits = ["contain", "cover", "fill"];

    public int MaximumWidth { get; init; } = 4096;

    public int MaximumHeight { get; init; } = 4096;

    /// <summary>The only widths that may be asked for; empty: any. Few widths keep a cache behind the gateway small.</summary>
    public IReadOnlyList<int> Widths { get; init; } = [];

    public IReadOnlyList<string> Formats { get; init; } = KnownFormats;

    /// <summary>Whether an image may be made larger than it is.</summary>
    public bool AllowsUpscaling { get; init; }

    /// <summary>Reads the parameters <c>w</c>, <c>h</c>, <c>fit</c>, <c>format</c> and <c>q</c>; others are none of its business.</summary>
    /// <param name="query">Without the question mark.</param>
    /// <param name="wish">Null when the query asks for nothing.</param>
    /// <returns>False: a parameter is wrong.</returns>
    public bool TryRead(string query, out TransformWish? wish)
    {
        wish = null;
        var values = new QueryValues(query);
        if (!TryOne(values, "w", out string? w) || !TryOne(values, "h", out string? h) || !TryOne(values, "fit", out string? fit)
            || !TryOne(values, "format", out string? format) || !TryOne(values, "q", out string? q)) return false;
        if (w is null && h is null && fit is null && format is null && q is null) return true;
        if (!TryNumber(w, MaximumWidth, out int width) || !TryNumber(h, MaximumHeight, out int height) || !TryNumber(q, 100, out int quality)) return false;
        if (width > 0 && Widths.Count > 0 && !Widths.Contains(width)) return false;
        if (fit is not null && (!Fits.Contains(fit) || (width == 0 && height == 0))) return false;
        if (fit is "cover" or "fill" && (width == 0 || height == 0)) return false;
        if (format is not null && !Formats.Contains(format)) return false;
        wish = new TransformWish(width, height, fit ?? "contain", format ?? "", quality);
        return true;
    }

    // A parameter that stands twice means one thing to this filter and maybe another to the upstream: refused.
    private static bool TryOne(QueryValues values, string name, out string? value)
    {
        var all = values.Values(name);
        value = all.Count == 0 ? null : all[0];
        return all.Count <= 1;
    }

    // Digits only, and no zero in front: one way to write each number.
    private static bool TryNumber(string? text, int maximum, out int number)
    {
        number = 0;
        if (text is null) return true;
        return text.Length is > 0 and < 6 && text[0] != '0' && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= maximum;
    }
}

/// <summary>What a query asks for, checked. Zero and empty: not said.</summary>
internal sealed record TransformWish(int Width, int Height, string Fit, string Format, int Quality)
{
    /// <summary>The wish as a field, the same for every way to write the query.</summary>
    public override string ToString()
    {
        var parts = new List<string>(5);
        if (Width > 0) parts.Add($"width={Width}");
        if (Height > 0) parts.Add($"height={Height}");
        if (Width > 0 || Height > 0) parts.Add("fit=" + Fit);
        if (Format.Length > 0) parts.Add("format=" + Format);
        if (Quality > 0) parts.Add($"quality={Quality}");
        return string.Join(';', parts);
    }
}
