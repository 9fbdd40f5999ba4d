// The OCI distribution protocol: manifests and blobs of one repository, down and up. Downloads go on where they broke off, uploads ask how far they
// came; everything that comes down is checked against its digest.

using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Bimetal.Plugins.Bundles.Oci;

namespace Bimetal.Plugins.Bundles.Registry;

/// <summary>One repository. Not for several operations at once.</summary>
internal sealed class RegistryClient(RegistryReference reference, RegistryAccess access) : IDisposable
{
    private const int CopyBytes = 64 << 10;
    private const int Resumptions = 8;
    private const int Uploads = 4;
    private static readonly TimeSpan s_stallLimit = TimeSpan.FromSeconds(30);

    private readonly RegistryChannel _channel = new(reference, access);
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

        using var response = await _channel.SendAsync(Make, isWrite: false, [HttpStatusCode.OK], cancellation);
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
    /// <param name="progress">Gets the bytes that have arrived since it was called last; fewer than none when an upload begins again.</param>
    /// <returns>Whether it had to be sent.</returns>
    public async Task<bool> PutBlobAsync(OciDescriptor blob, byte[] bytes, Action<long>? progress, CancellationToken cancellation)
    {
        for (int attempt = 0; ; attempt++)
        {
            if (await HasBlobAsync(blob, cancellation)) return attempt > 0;
            if (attempt == Uploads) throw new RegistryException($"the registry {reference.Host} lost the upload of {blob.Digest} {Uploads} times; try again", isAway: true);
            if (await new BlobUpload(_channel, reference.Host, $"{_base}/blobs/uploads/", bytes, progress).TryRunAsync(blob.Digest, cancellation)) return true;
        }
    }

    public async Task PutManifestAsync(string tagOrDigest, string mediaType, byte[] bytes, CancellationToken cancellation)
    {
        HttpRequestMessage Make()
        {
            var content = new ByteArrayContent(bytes);
            content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
            return new HttpRequestMessage(HttpMethod.Put, $"{_base}/manifests/{tagOrDigest}") { Content = content };
        }

        using var response = await _channel.SendAsync(Make, isWrite: true, [HttpStatusCode.Created, HttpStatusCode.OK, HttpStatusCode.Accepted], cancellation);
    }

    private async Task<bool> HasBlobAsync(OciDescriptor blob, CancellationToken cancellation)
    {
        HttpStatusCode[] wanted = [HttpStatusCode.OK, HttpStatusCode.NotFound];
        using var known = await _channel.SendAsync(() => new HttpRequestMessage(HttpMethod.Head, $"{_base}/blobs/{blob.Digest}"), isWrite: true, wanted, cancellation);
        return known.StatusCode == HttpStatusCode.OK;
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

        using var response = await _channel.SendAsync(Make, isWrite: false, [HttpStatusCode.OK, HttpStatusCode.PartialContent, HttpStatusCode.RequestedRangeNotSatisfiable], cancellation);

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
}
