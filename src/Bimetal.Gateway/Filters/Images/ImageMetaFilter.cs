// The built-in filter image_meta: says in fields what an image is, checks what a query wants done to it, and makes a plan of the two. It reads headers,
// never pixels, and changes no body.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Routing;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters.Images;

internal sealed class ImageMetaFilter(ImageMetaFilterConfig config) : Filter
{
    private static readonly string[] OwnFields = ["x-image-type", "x-image-width", "x-image-height", "x-image-orientation", "x-image-error", "x-image-plan"];

    private static readonly LocalResponse BadTransform = FilterAnswer.Of(400, "image-transform-invalid");

    private static readonly LocalResponse NotAnImage = FilterAnswer.Of(415, "image-not-recognised");

    private static readonly LocalResponse TooManyPixels = FilterAnswer.Of(413, "image-too-large");

    public override string Name => "image_meta";

    public override FilterStream? Begin(HttpStream stream, out GatewayError? error)
    {
        error = null;

        // What the client says here nobody has checked.
        RemoveOwn(stream.RequestHeaders);
        if (config.ReadsRequests) return new ImageMetaStream(this, stream, isRequest: true, wish: null);
        TransformWish? wish = null;
        if (config.Transform is { } rules)
        {
            if (!rules.TryRead(QueryOf(stream.RequestHeaders), out wish)) return new AnsweringStream(BadTransform);
            if (wish is not null) stream.RequestHeaders.SetCopy("x-image-plan"u8, FieldText.ValueBytes(wish.ToString()).Span);
        }

        return new ImageMetaStream(this, stream, isRequest: false, wish);
    }

    private static string QueryOf(HeaderMap request)
    {
        if (!request.TryGet(PseudoNames.Path, out var target)) return "";
        string text = FieldText.Text(target);
        int mark = text.IndexOf('?', StringComparison.Ordinal);
        return mark < 0 ? "" : text[(mark + 1)..];
    }

    private static void RemoveOwn(HeaderMap headers)
    {
        foreach (string name in OwnFields) headers.Remove(FieldText.NameBytes(name).Span);
    }

    private LocalResponse? Refusal(ImageOutcome outcome, ImageHeader? image)
    {
        if (image is not null && image.Width * image.Height > config.MaximumPixels) return TooManyPixels;
        return config.IsRequired && outcome != ImageOutcome.Known ? NotAnImage : null;
    }

    // Responses of other kinds, parts of images and packed ones are left alone.
    private static bool IsWholeImage(HeaderMap headers, bool isRequest)
    {
        if (!isRequest && (!headers.TryGet(PseudoNames.Status, out var status) || !status.Span.SequenceEqual("200"u8))) return false;
        if (headers.IndexOf("content-encoding"u8) >= 0) return false;
        return headers.TryGet("content-type"u8, out var type) && FieldText.Text(type).TrimStart().StartsWith("image/", StringComparison.OrdinalIgnoreCase);
    }

    private void Describe(HeaderMap headers, ImageOutcome outcome, ImageHeader? image, TransformWish? wish)
    {
        if (image is null)
        {
            Set(headers, "x-image-error", outcome switch { ImageOutcome.NotAnImage => "unrecognised", ImageOutcome.Corrupt => "corrupt", _ => "truncated" });
            return;
        }

        Set(headers, "x-image-type", image.TypeName);
        Set(headers, "x-image-width", image.Width.ToString());
        Set(headers, "x-image-height", image.Height.ToString());
        if (image.Orientation > 0) Set(headers, "x-image-orientation", image.Orientation.ToString());
        if (image.Width * image.Height > config.MaximumPixels) Set(headers, "x-image-error", "too-large");
        else if (wish is not null) Set(headers, "x-image-plan", TransformPlan.Of(wish, image, config.Transform!.AllowsUpscaling));
    }

    private static void Set(HeaderMap headers, string name, string value) => headers.Set(FieldText.NameBytes(name), FieldText.ValueBytes(value));

    /// <summary>Holds the headers of one direction until enough of the body has come.</summary>
    private sealed class ImageMetaStream(ImageMetaFilter filter, HttpStream stream, bool isRequest, TransformWish? wish) : FilterStream
    {
        private const int FirstLookBytes = 1 << 10;

        private BodyBuffer? _held;
        private bool _isLooking;
        private int _nextLookBytes = FirstLookBytes;

        public override bool ChangesBody => false;

        public override bool WantsRequestBody => isRequest && _isLooking;

        public override bool WantsResponseBody => !isRequest && _isLooking;

        public override BodyBuffer? RequestBody => isRequest ? _held : null;

        public override BodyBuffer? ResponseBody => isRequest ? null : _held;

        private HeaderMap Headers => isRequest ? stream.RequestHeaders : stream.ResponseHeaders;

        public override FilterAction OnRequestHeaders(bool endOfStream) => isRequest ? Begin(endOfStream) : FilterAction.Continue;

        public override FilterAction OnRequestBody(bool endOfStream) => Look(endOfStream);

        public override FilterAction OnRequestTrailers() => Look(endOfStream: true);

        public override FilterAction OnResponseHeaders(bool endOfStream)
        {
            if (isRequest) return FilterAction.Continue;
            RemoveOwn(Headers);
            return Begin(endOfStream);
        }

        public override FilterAction OnResponseBody(bool endOfStream) => Look(endOfStream);

        public override FilterAction OnResponseTrailers() => Look(endOfStream: true);

        private FilterAction Begin(bool endOfStream)
        {
            bool isImage = IsWholeImage(Headers, isRequest);
            if (isRequest && !isImage) Answer = filter.Refusal(ImageOutcome.NotAnImage, null);
            if (!isImage) return FilterAction.Continue;
            if (endOfStream)
            {
                if (isRequest) Answer = filter.Refusal(ImageOutcome.NeedMore, null);
                return FilterAction.Continue;
            }

            _held = new BodyBuffer(ImageHeader.PrefixBytes);
            _isLooking = true;
            return FilterAction.Pause;
        }

        private FilterAction Look(bool endOfStream)
        {
            if (!_isLooking || _held is not { } held) return FilterAction.Continue;

            // Each look begins at the beginning: a body that comes byte by byte is looked at a few times all the same.
            bool isLast = endOfStream || held.Length >= ImageHeader.PrefixBytes;
            if (!isLast && held.Length < _nextLookBytes && held.Length > 64) return FilterAction.Pause;
            while (_nextLookBytes <= held.Length) _nextLookBytes *= 2;
            var outcome = ImageHeader.TryRead(held.Span.ToArray(), out var image);
            if (outcome == ImageOutcome.NeedMore && !isLast) return FilterAction.Pause;
            if (isRequest) Answer = filter.Refusal(outcome, image);
            filter.Describe(Headers, outcome, image, wish);
            _isLooking = false;
            return FilterAction.Continue;
        }
    }
}
