// The OCI distribution protocol: manifests and blobs of one repository, down and up. Downloads go on where they broke off, uploads ask how far they
// came; everything that comes down is checked against its digest.

using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Bimetal.Plugins.Bundles.Oci;

namespace Bimetal.Plugins.Bundles.Registry;

/// <summary>One repository. Not for several operations at once.</summary>
internal sealed class RegistryClient(RegistryReference reference, RegistryLogin? login, TimeSpan? backoff = null) : IDisposable
{
    private const int ChunkBytes = 4 << 20;
    private const int CopyBytes = 64 << 10;
    private const int Resumptions = 8;
    private static readonly TimeSpan s_stallLimit = TimeSpan.FromSeconds(30);

    private readonly RegistryChannel _channel = new(reference, login, backoff);
    private readonly string _base = $"v2/{reference.Repository}";

    public void Dispose() => _channel.Dispose();

    /// <summary>A manifest by tag or digest, with its descriptor.</summary>
    /// <exception cref="RegistryException">It is not there, or the registry is not.</exception>
    /// <exception cref="BundleException">Its digest does not match, or it is too large.</exception>
    public async Task<(OciDescriptor Descriptor, byte[] Bytes)> GetManifestAsync(string tagOrDigest, CancellationToken cancellation)
    {
        HttpRequestMessage Make()
        {
            var request = new HttpRequestMessage(HttpMethod.Get, $"{_base}/manifests/{tagOrDigest}");
            foreach (string type in (string[])[MediaTypes.Index, MediaTypes.Manifest, MediaTypes.DockerList, MediaTypes.DockerManifest]) request.Headers.Accept.ParseAdd(type);
            return request;
        }

        using var response = await _channel.SendAsync(Make, isWrite: false, cancellation, HttpStatusCode.OK);
        if (response.Content.Headers.ContentLength is > OciDocument.MaximumBytes) throw new BundleException($"the manifest {tagOrDigest} has more than {OciDocument.MaximumBytes} bytes");
        using var buffer = new MemoryStream();
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        await CopyAsync(body, buffer, OciDocument.MaximumBytes, $"the manifest {tagOrDigest}", null, cancellation);
        byte[] bytes = buffer.ToArray();
        var descriptor = OciDescriptor.Of(response.Content.Headers.ContentType?.MediaType ?? "", bytes);
        bool isPinned = OciDigest.TryParse(tagOrDigest, out var wanted);
        if (isPinned && descriptor.Digest != wanted) throw new BundleException($"the digest of the manifest {wanted} does not match: what the registry sent has {descriptor.Digest}");
        string own = OciDocument.Parse(bytes, "").MediaType;
        return (descriptor with { MediaType = own }, bytes);
    }

    /// <summary>Downloads a blob into a file that is empty or holds the beginning of it from an earlier time.</summary>
    /// <param name="file">Can be written and read; it stays open.</param>
    /// <param name="progress">Gets the bytes that were added, again and again.</param>
    /// <exception cref="BundleException">Its size or digest is not what the descriptor says.</exception>
    public async Task GetBlobAsync(OciDescriptor blob, FileStream file, long maximumBytes, Action<long>? progress, CancellationToken cancellation)
    {
        if (blob.SizeBytes > maximumBytes) throw new BundleException($"the layer {blob.Digest} has {blob.SizeBytes} bytes, {maximumBytes} are the most");
        if (file.Length > blob.SizeBytes) file.SetLength(0);
        for (int attempt = 0; file.Length < blob.SizeBytes; attempt++)
        {
            long before = file.Length;
            try
            {
                await ContinueAsync(blob, file, progress, cancellation);
            }
            catch (Exception exception) when (exception is IOException or HttpRequestException || (exception is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                // It broke off: the next request asks for the rest. Only standing still counts as an attempt.
                if (file.Length > before) attempt = 0;
                if (attempt >= Resumptions) throw new RegistryException($"the download of {blob.Digest} from {reference.Host} broke off at {file.Length} of {blob.SizeBytes} bytes: {exception.Message}; try again", isAway: true);
            }
        }

        file.Position = 0;
        string found = Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellation));
        if (found == blob.Digest.Hex && file.Length == blob.SizeBytes) return;
        file.SetLength(0);
        throw new BundleException($"the digest of the blob {blob.Digest} does not match: what the registry sent has sha256:{found}");
    }

    /// <summary>Uploads a blob unless the repository has it.</summary>
    /// <returns>Whether it had to be sent.</returns>
    public async Task<bool> PutBlobAsync(OciDescriptor blob, byte[] bytes, Action<long>? progress, CancellationToken cancellation)
    {
        using (var known = await _channel.SendAsync(() => new HttpRequestMessage(HttpMethod.Head, $"{_base}/blobs/{blob.Digest}"), isWrite: true, cancellation, HttpStatusCode.OK, HttpStatusCode.NotFound))
        {
            if (known.StatusCode == HttpStatusCode.OK) return false;
        }

        using var begun = await _channel.SendAsync(() => new HttpRequestMessage(HttpMethod.Post, $"{_base}/blobs/uploads/") { Content = new ByteArrayContent([]) }, isWrite: true, cancellation, HttpStatusCode.Accepted);
        var location = LocationOf(begun);
        int sent = 0;
        while (sent < bytes.Length)
        {
            int length = Math.Min(ChunkBytes, bytes.Length - sent);
            (location, int now) = await PatchAsync(location, bytes, sent, length, cancellation);
            progress?.Invoke(now - sent);
            sent = now;
        }

        string separator = location.Query.Length > 0 ? "&" : "?";
        var end = new Uri($"{location.AbsoluteUri}{separator}digest={Uri.EscapeDataString(blob.Digest.ToString())}");
        using var done = await _channel.SendAsync(() => new HttpRequestMessage(HttpMethod.Put, end) { Content = new ByteArrayContent([]) }, isWrite: true, cancellation, HttpStatusCode.Created);
        return true;
    }

    public async Task PutManifestAsync(string tagOrDigest, string mediaType, byte[] bytes, CancellationToken cancellation)
    {
        HttpRequestMessage Make()
        {
            var content = new ByteArrayContent(bytes);
            content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
            return new HttpRequestMessage(HttpMethod.Put, $"{_base}/manifests/{tagOrDigest}") { Content = content };
        }

        using var response = await _channel.SendAsync(Make, isWrite: true, cancellation, HttpStatusCode.Created, HttpStatusCode.OK, HttpStatusCode.Accepted);
    }

    private async Task ContinueAsync(OciDescriptor blob, FileStream file, Action<long>? progress, CancellationToken cancellation)
    {
        long start = file.Length;
        HttpRequestMessage Make()
        {
            var request = new HttpRequestMessage(HttpMethod.Get, $"{_base}/blobs/{blob.Digest}");
            if (start > 0) request.Headers.Range = new RangeHeaderValue(start, null);
            return request;
        }

        using var response = await _channel.SendAsync(Make, isWrite: false, cancellation, HttpStatusCode.OK, HttpStatusCode.PartialContent, HttpStatusCode.RequestedRangeNotSatisfiable);

        // A registry that does not know ranges sends it all again.
        if (response.StatusCode != HttpStatusCode.PartialContent) file.SetLength(start = 0);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable) throw new IOException("the registry has less of it than before");
        file.Position = start;
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        await CopyAsync(body, file, blob.SizeBytes - start, $"the blob {blob.Digest}", progress, cancellation);
        if (file.Length < blob.SizeBytes) throw new IOException("the connection ended early");
    }

    private static async Task CopyAsync(Stream from, Stream to, long maximumBytes, string what, Action<long>? progress, CancellationToken cancellation)
    {
        byte[] buffer = new byte[CopyBytes];
        using var stall = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        for (long total = 0; ;)
        {
            stall.CancelAfter(s_stallLimit);
            int read = await from.ReadAsync(buffer, stall.Token);
            if (read == 0) return;
            total += read;
            if (total > maximumBytes) throw new BundleException($"{what} is longer than the {maximumBytes} bytes that were expected");
            await to.WriteAsync(buffer.AsMemory(0, read), cancellation);
            progress?.Invoke(read);
        }
    }

    // A chunk that failed may have arrived in part: the registry says how far it came.
    private async Task<(Uri Location, int Sent)> PatchAsync(Uri location, byte[] bytes, int start, int length, CancellationToken cancellation)
    {
        HttpRequestMessage Make()
        {
            var content = new ByteArrayContent(bytes, start, length);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            content.Headers.TryAddWithoutValidation("Content-Range", $"{start}-{start + length - 1}");
            return new HttpRequestMessage(HttpMethod.Patch, location) { Content = content };
        }

        using var response = await _channel.SendAsync(Make, isWrite: true, cancellation, HttpStatusCode.Accepted, HttpStatusCode.RequestedRangeNotSatisfiable);
        if (response.StatusCode == HttpStatusCode.Accepted) return (LocationOf(response), start + length);
        using var status = await _channel.SendAsync(() => new HttpRequestMessage(HttpMethod.Get, location), isWrite: true, cancellation, HttpStatusCode.NoContent);
        string range = status.Headers.TryGetValues("Range", out var values) ? values.First() : "0-0";
        int end = int.TryParse(range.AsSpan(range.IndexOf('-', StringComparison.Ordinal) + 1), out int last) ? last + 1 : 0;
        if (end <= start || end > bytes.Length) throw new RegistryException($"the registry {reference.Host} lost an upload at {start} bytes; try again", isAway: true);
        return (LocationOf(status), end);
    }

    private Uri LocationOf(HttpResponseMessage response)
    {
        if (response.Headers.Location is not { } location) throw new RegistryException($"the registry {reference.Host} began an upload without saying where", isAway: false);
        var address = location.IsAbsoluteUri ? location : new Uri(reference.Address, location);

        // Some registries behind a proxy name themselves with another scheme; bytes never go in the clear to another machine.
        bool isSafe = address.Scheme == Uri.UriSchemeHttps || (reference.IsPlain && address.IsLoopback);
        return isSafe ? address : throw new RegistryException($"the registry {reference.Host} wants an upload at {address.Authority} without TLS", isAway: false);
    }
}
