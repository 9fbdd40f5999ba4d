// The filter image_meta: what images say, what queries may ask, and files that lie.

using System.Text;
using Bimetal.Gateway.Filters.Images;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests.Filters;

public sealed class ImageMetaFilterTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "plugins/image-meta/cases/images");

    [Theory]
    [InlineData("photo-320x200.jpg", "jpeg", 320, 200, null)]
    [InlineData("progressive-200x150.jpg", "jpeg", 200, 150, null)]
    [InlineData("orientation-6.jpg", "jpeg", null, null, 6)]
    [InlineData("exif-60x40.png", "png", 60, 40, null)]
    [InlineData("palette-120x80.png", "png", 120, 80, null)]
    [InlineData("animated-64x48.gif", "gif", 64, 48, null)]
    [InlineData("lossy-240x160.webp", "webp", 240, 160, null)]
    [InlineData("lossless-80x50.webp", "webp", 80, 50, null)]
    [InlineData("exif-56x42.webp", "webp", 56, 42, null)]
    public async Task Response_SaysTypeSizeAndOrientation_AndKeepsItsBodyAndLength(string file, string type, int? width, int? height, int? orientation)
    {
        byte[] image = await File.ReadAllBytesAsync(Path.Combine(Folder, file), TestContext.Current.CancellationToken);
        await using var upstream = Serving(image, "image/" + type);
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, "[ { image_meta: {} } ]");
        var answer = await gateway.GetAsync("/x", "x-image-type: gif\r\nx-image-plan: lies\r\n");
        Assert.Equal(image, answer.Body);
        Assert.Equal(image.Length.ToString(), answer["content-length"]);
        Assert.Equal(type, answer["x-image-type"]);
        if (width is not null) Assert.Equal((width.ToString(), height.ToString()), (answer["x-image-width"], answer["x-image-height"]));
        if (orientation is not null) Assert.Equal(orientation.ToString(), answer["x-image-orientation"]);
        Assert.False(answer.Has("x-image-error") || answer.Has("x-image-plan"));
        var received = Assert.Single(upstream.Received);
        Assert.False(received.Has("x-image-type") || received.Has("x-image-plan"));
    }

    [Fact]
    public void EveryOrientation_IsRead()
    {
        for (int orientation = 1; orientation <= 8; orientation++)
        {
            Assert.Equal(ImageOutcome.Known, ImageHeader.TryRead(File.ReadAllBytes(Path.Combine(Folder, $"orientation-{orientation}.jpg")), out var image));
            Assert.Equal(orientation, image!.Orientation);
        }

        ImageHeader.TryRead(File.ReadAllBytes(Path.Combine(Folder, "exif-60x40.png")), out var png);
        ImageHeader.TryRead(File.ReadAllBytes(Path.Combine(Folder, "exif-56x42.webp")), out var webp);
        Assert.True(png!.Orientation > 0 && webp!.Orientation > 0);
    }

    [Theory]
    [InlineData("image/png", "<!doctype html><title>404</title>", "unrecognised")]
    [InlineData("image/png", "\u0089PNG\r\n\u001a\n\0\0\0\u000dIHDR\0\0\0\0\0\0\0\u0001\u0008\0\0\0\0aaaa\0\0\0\0IDAT", "corrupt")]
    [InlineData("image/gif", "GIF89a\0\0\0\0\0\0\0\0", "corrupt")]
    [InlineData("image/gif", "GIF8", "truncated")]
    [InlineData("image/webp", "RIFF\u0010\0\0\0WEBPVP9 \0\0\0\0aaaaaaaaaaaaa", "corrupt")]
    public async Task FilesThatAreNone_AreReported_AndPassUnchanged(string type, string body, string error)
    {
        await using var upstream = Serving(Encoding.Latin1.GetBytes(body), type);
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, "[ { image_meta: {} } ]");
        var answer = await gateway.GetAsync("/x");
        Assert.Equal(error, answer["x-image-error"]);
        Assert.Equal(body, answer.Text);
        Assert.False(answer.Has("x-image-width"));
    }

    [Theory]
    [InlineData("text/html", "")]
    [InlineData("image/jpeg", "content-encoding: gzip\r\n")]
    public async Task OtherResponses_AreLeftAlone_ButTheirClaims(string type, string fields)
    {
        await using var upstream = Serving("GIF89a"u8.ToArray(), type, fields + "x-image-width: 7\r\n");
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, "[ { image_meta: {} } ]");
        var answer = await gateway.GetAsync("/x");
        Assert.DoesNotContain(answer.Fields, field => field.Name.StartsWith("x-image-", StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("w=200", "width=200;fit=contain", "resize=200x125")]
    [InlineData("h=100&w=200&fit=cover&format=webp&q=80", "width=200;height=100;fit=cover;format=webp;quality=80", "resize=200x125;crop=200x100;format=webp;quality=80")]
    [InlineData("w=4000&other=1", "width=4000;fit=contain", "none")]
    [InlineData("format=jpeg", "format=jpeg", "none")]
    [InlineData("w=100&h=400&fit=fill", "width=100;height=400;fit=fill", "resize=100x200")]
    public async Task Query_BecomesAPlan(string query, string asked, string plan)
    {
        await using var upstream = Serving(await File.ReadAllBytesAsync(Path.Combine(Folder, "photo-320x200.jpg"), TestContext.Current.CancellationToken), "image/jpeg");
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, "[ { image_meta: { transform: {} } } ]");
        var answer = await gateway.GetAsync("/x?" + query);
        Assert.Equal(asked, Assert.Single(upstream.Received)["x-image-plan"]);
        Assert.Equal(plan, answer["x-image-plan"]);
    }

    [Theory]
    [InlineData("w=0")]
    [InlineData("w=-1")]
    [InlineData("w=+1")]
    [InlineData("w=0x10")]
    [InlineData("w=1e3")]
    [InlineData("w=01")]
    [InlineData("w=")]
    [InlineData("w=4097")]
    [InlineData("w=99999999999999999999")]
    [InlineData("w=100&w=200")]
    [InlineData("w=100&%77=200")]
    [InlineData("q=101")]
    [InlineData("fit=cover&w=1")]
    [InlineData("fit=contain")]
    [InlineData("fit=explode&w=1")]
    [InlineData("format=exe")]
    [InlineData("format=webp%0d%0ax-evil:1")]
    [InlineData("w=%D9%A1")]
    public async Task BadQuery_IsRefused_BeforeTheUpstream(string query)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, "[ { image_meta: { transform: {} } } ]");
        var answer = await gateway.GetAsync("/x?" + query);
        Assert.Equal(400, answer.Status);
        Assert.Contains("image-transform-invalid", answer.Text);
        Assert.Empty(upstream.Received);
    }

    [Fact]
    public void Plan_TurnsFirst_AndCountsInTheTurnedSides()
    {
        var image = new ImageHeader(MetadataExtractor.Util.FileType.Jpeg, 4000, 3000, 6);
        Assert.Equal("orient=6;resize=300x400", TransformPlan.Of(new TransformWish(300, 0, "contain", "", 0), image, allowsUpscaling: false));
        Assert.Equal("orient=6;resize=300x400;crop=300x300", TransformPlan.Of(new TransformWish(300, 300, "cover", "", 0), image, allowsUpscaling: false));
        Assert.Equal("orient=6;resize=225x300", TransformPlan.Of(new TransformWish(300, 300, "contain", "", 0), image, allowsUpscaling: false));
        var narrow = new ImageHeader(MetadataExtractor.Util.FileType.Png, int.MaxValue, 1, 0);
        Assert.Equal("resize=10x1", TransformPlan.Of(new TransformWish(10, 10, "contain", "", 0), narrow, allowsUpscaling: false));
        Assert.Equal("resize=65535x1", TransformPlan.Of(new TransformWish(65_535, 0, "contain", "", 0), narrow, allowsUpscaling: true));
    }

    [Theory]
    [InlineData("image/png", 200)]
    [InlineData("text/plain", 415)]
    public async Task Upload_IsJudged(string type, int status)
    {
        string image = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(Path.Combine(Folder, "palette-120x80.png"), TestContext.Current.CancellationToken));
        await using var upstream = WireUpstream.ReadingBodies((call, message) => call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {message.Body.Length}\r\n\r\n{message.Text}"));
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, "[ { image_meta: { on: request, required: true } } ]");
        var answer = await gateway.PostAsync("/x", image, $"content-type: {type}\r\n");
        Assert.Equal(status, answer.Status);
        if (status != 200) return;
        Assert.Equal(image, answer.Text);
        var received = Assert.Single(upstream.Received);
        Assert.Equal(("png", "120", image.Length.ToString()), (received["x-image-type"], received["x-image-width"], received["content-length"]));
    }

    [Theory]
    [InlineData("max_pixels: 9599", 413)]
    [InlineData("max_pixels: 9600", 200)]
    public async Task Upload_WithTooManyPixels_IsRefused(string limit, int status)
    {
        string image = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(Path.Combine(Folder, "palette-120x80.png"), TestContext.Current.CancellationToken));
        await using var upstream = WireUpstream.ReadingBodies((call, _) => call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $"[ {{ image_meta: {{ on: request, {limit} }} }} ]");
        Assert.Equal(status, (await gateway.PostAsync("/x", image, "content-type: image/png\r\n")).Status);
    }

    // However little has come, more can follow: only all of a file can be called damaged.
    [Fact]
    public void BeginningOfAFile_OfAnyLength_IsNotCalledDamaged()
    {
        var judged = new List<string>();
        foreach (string file in Directory.GetFiles(Folder))
        {
            byte[] image = File.ReadAllBytes(file);
            if (ImageHeader.TryRead(image, out var whole) != ImageOutcome.Known) continue;
            for (int length = 0; length <= image.Length; length++)
            {
                var outcome = ImageHeader.TryRead(image[..length], out var header);
                if (outcome is ImageOutcome.NotAnImage or ImageOutcome.Corrupt || (outcome == ImageOutcome.Known && header != whole)) judged.Add($"{Path.GetFileName(file)} {length}: {outcome} {header}");
            }
        }

        Assert.Empty(judged);
    }

    [Fact]
    public async Task BodyThatComesByteByByte_IsUnderstoodAllTheSame()
    {
        byte[] image = await File.ReadAllBytesAsync(Path.Combine(Folder, "orientation-6.jpg"), TestContext.Current.CancellationToken);
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\ntransfer-encoding: chunked\r\n\r\n");
            foreach (byte one in image) await call.WriteAsync($"1\r\n{(char)one}\r\n");
            await call.WriteAsync("0\r\n\r\n");
        });
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, "[ { image_meta: {} } ]");
        var answer = await gateway.GetAsync("/x");
        Assert.Equal(image, answer.Body);
        Assert.Equal(("jpeg", "6"), (answer["x-image-type"], answer["x-image-orientation"]));
    }

    [Fact]
    public void DamagedFiles_NeverThrow_AndSayTheirSizeOrNothing()
    {
        var random = new Random(5);
        foreach (string file in Directory.GetFiles(Folder))
        {
            byte[] whole = File.ReadAllBytes(file);
            byte[] head = whole[..Math.Min(whole.Length, 700)];
            for (int length = 0; length < Math.Min(head.Length, 200); length++) ImageHeader.TryRead(head[..length], out _);
            for (int round = 0; round < 300; round++)
            {
                byte[] damaged = [.. head];
                for (int flips = random.Next(1, 6); flips > 0; flips--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
                var outcome = ImageHeader.TryRead(damaged, out var image);
                Assert.Equal(outcome == ImageOutcome.Known, image is not null);
                if (image is not null) Assert.True(image.Width > 0 && image.Height > 0 && image.Orientation is >= 0 and <= 8);
            }
        }
    }

    private static WireUpstream Serving(byte[] body, string type, string fields = "") => new(call =>
        call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-type: {type}\r\n{fields}content-length: {body.Length}\r\n\r\n{Encoding.Latin1.GetString(body)}"));
}
