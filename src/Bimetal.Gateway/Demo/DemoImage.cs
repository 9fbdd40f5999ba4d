// The images that the demo serves: the files of image-meta's cases, and copies of some that are cut off or say something else than they are.

namespace Bimetal.Gateway.Demo;

internal sealed record DemoImage(string ContentType, ReadOnlyMemory<byte> Bytes)
{
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public static IReadOnlyDictionary<string, DemoImage> ReadAll(string folder)
    {
        var images = new Dictionary<string, DemoImage>();
        foreach (string file in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
        {
            if (TypeOf(file) is not { } type) continue;
            string name = Path.GetFileName(file);
            byte[] bytes = File.ReadAllBytes(file);
            images[name] = new DemoImage(type, bytes);
            images["truncated-" + name] = new DemoImage(type, bytes.AsMemory(0, Math.Min(bytes.Length / 2, 24)));
            images["lying-" + name] = new DemoImage(type == "image/png" ? "image/jpeg" : "image/png", bytes);
        }

        return images;
    }

    private static string? TypeOf(string file) => Path.GetExtension(file) switch
    {
        ".jpg" => "image/jpeg",
        ".png" => "image/png",
        ".gif" => "image/gif",
        ".webp" => "image/webp",
        _ => null,
    };
}
