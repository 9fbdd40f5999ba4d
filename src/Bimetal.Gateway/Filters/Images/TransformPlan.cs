// From what a query asks for and what an image is to the steps that make one of the other.

namespace Bimetal.Gateway.Filters.Images;

internal static class TransformPlan
{
    /// <summary>
    /// The steps in their order, such as <c>orient=6;resize=450x300;crop=300x300;format=webp;quality=80</c>: turn as EXIF says, scale, cut out the
    /// middle, encode. Steps that would change nothing are left out; <c>none</c> when all are.
    /// </summary>
    public static string Of(TransformWish wish, ImageHeader image, bool allowsUpscaling)
    {
        var steps = new List<string>(5);
        if (image.Orientation > 1) steps.Add($"orient={image.Orientation}");
        bool isTurned = image.Orientation >= 5;
        long width = isTurned ? image.Height : image.Width, height = isTurned ? image.Width : image.Height;
        if (wish.Width > 0 || wish.Height > 0)
        {
            var (resized, cropped) = Sizes(wish, width, height, allowsUpscaling);
            if (resized != (width, height)) steps.Add($"resize={resized.Width}x{resized.Height}");
            if (cropped != resized) steps.Add($"crop={cropped.Width}x{cropped.Height}");
        }

        if (wish.Format.Length > 0 && wish.Format != image.TypeName) steps.Add("format=" + wish.Format);
        if (wish.Quality > 0) steps.Add($"quality={wish.Quality}");
        return steps.Count == 0 ? "none" : string.Join(';', steps);
    }

    // Whole numbers alone: sides are below 2^31 and wishes below 2^16, so products fit into 64 bits.
    private static ((long Width, long Height) Resized, (long Width, long Height) Cropped) Sizes(TransformWish wish, long width, long height, bool allowsUpscaling)
    {
        long wantedWidth = wish.Width > 0 ? wish.Width : long.MaxValue, wantedHeight = wish.Height > 0 ? wish.Height : long.MaxValue;
        if (wish.Fit == "fill")
        {
            var filled = allowsUpscaling ? (wantedWidth, wantedHeight) : (Math.Min(wantedWidth, width), Math.Min(wantedHeight, height));
            return (filled, filled);
        }

        bool isWidthBinding = wish.Height == 0 || (wish.Width > 0 && (wish.Fit == "contain") == (wantedWidth * height <= wantedHeight * width));
        var resized = isWidthBinding ? (wantedWidth, Scale(height, wantedWidth, width)) : (Scale(width, wantedHeight, height), wantedHeight);
        if (!allowsUpscaling && (resized.Item1 > width || resized.Item2 > height)) resized = (width, height);
        var cropped = wish.Fit == "cover" ? (Math.Min(wantedWidth, resized.Item1), Math.Min(wantedHeight, resized.Item2)) : resized;
        return (resized, cropped);
    }

    private static long Scale(long side, long wanted, long other) => Math.Max(1, ((side * wanted) + (other / 2)) / other);
}
