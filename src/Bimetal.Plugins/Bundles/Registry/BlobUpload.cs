// One upload of one blob, chunk by chunk. A chunk that failed may have arrived in part, so the registry is asked how far it came before anything is
// sent again; a registry that lost the thread (it may keep its place in the upload's address) gets the blob from the beginning.

using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Bimetal.Plugins.Bundles.Oci;

namespace Bimetal.Plugins.Bundles.Registry;

/// <summary>Runs once.</summary>
/// <param name="begin">Where uploads of the repository are begun.</param>
internal sealed class BlobUpload(RegistryChannel channel, string host, string begin, byte[] bytes, Action<long>? progress)
{
    private const int ChunkBytes = 4 << 20;

    /// <summary>Chunks that may fail one after the other without the registry having got further.</summary>
    private const int Resumptions = 4;

    /// <summary>Answers of a registry that does not know the upload, or its place in it.</summary>
    private static readonly HttpStatusCode[] s_lost = [HttpStatusCode.NotFound, HttpStatusCode.BadRequest, HttpStatusCode.RequestedRangeNotSatisfiable];

    private Uri _location = null!;
    private int _sent;

    /// <summary>Sends everything.</summary>
    /// <returns>False when the registry lost the upload; another one may go better.</returns>
    /// <exception cref="RegistryException">It refuses, or cannot be reached.</exception>
    public async Task<bool> TryRunAsync(OciDigest digest, CancellationToken cancellation)
    {
        using (var begun = await channel.SendAsync(() => new HttpRequestMessage(HttpMethod.Post, begin) { Content = new ByteArrayContent([]) }, isWrite: true, [HttpStatusCode.Accepted], cancellation))
            _location = LocationOf(begun);
        for (int failures = 0; _sent < bytes.Length;)
        {
            int before = _sent;
            if (!await TrySendAsync(cancellation) && !await TryAskAsync(cancellation)) return Lost();
            failures = _sent > before ? 0 : failures + 1;
            if (failures > Resumptions) return Lost();
        }

        string separator = _location.Query.Length > 0 ? "&" : "?";
        var end = new Uri($"{_location.AbsoluteUri}{separator}digest={Uri.EscapeDataString(digest.ToString())}");
        using var done = await channel.SendAsync(() => new HttpRequestMessage(HttpMethod.Put, end) { Content = new ByteArrayContent([]) }, isWrite: true, [HttpStatusCode.Created, .. s_lost], cancellation);
        return done.StatusCode == HttpStatusCode.Created || Lost();
    }

    private bool Lost()
    {
        MoveTo(0);
        return false;
    }

    private async Task<bool> TrySendAsync(CancellationToken cancellation)
    {
        int start = _sent, length = Math.Min(ChunkBytes, bytes.Length - start);
        HttpRequestMessage Make()
        {
            var content = new ByteArrayContent(bytes, start, length);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            content.Headers.TryAddWithoutValidation("Content-Range", $"{start}-{start + length - 1}");
            return new HttpRequestMessage(HttpMethod.Patch, _location) { Content = content };
        }

        try
        {
            using var response = await channel.SendAsync(Make, isWrite: true, [HttpStatusCode.Accepted, .. s_lost], cancellation, attempts: 1);
            if (response.StatusCode != HttpStatusCode.Accepted) return false;
            _location = LocationOf(response);
            MoveTo(start + length);
            return true;
        }
        catch (RegistryException exception) when (exception.IsAway)
        {
            return false;
        }
    }

    /// <summary>Asks how far the upload came.</summary>
    private async Task<bool> TryAskAsync(CancellationToken cancellation)
    {
        using var status = await channel.SendAsync(() => new HttpRequestMessage(HttpMethod.Get, _location), isWrite: true, [HttpStatusCode.NoContent, .. s_lost], cancellation);
        if (status.StatusCode != HttpStatusCode.NoContent || !status.Headers.TryGetValues("Range", out var values) || EndOf(values.First()) is not { } end) return false;
        _location = LocationOf(status);
        MoveTo(end);
        return true;
    }

    // "0-99" says that a hundred bytes are there; "0-0" that there are none, or one, which then comes again and is refused.
    private int? EndOf(string range)
    {
        if (range.Split('-') is not ["0", var last] || !int.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out int at) || at >= bytes.Length) return null;
        return at == 0 ? 0 : at + 1;
    }

    private void MoveTo(int sent)
    {
        progress?.Invoke(sent - _sent);
        _sent = sent;
    }

    private Uri LocationOf(HttpResponseMessage response)
    {
        if (response.Headers.Location is not { } location) throw new RegistryException($"the registry {host} began an upload without saying where; try another registry", isAway: false);
        var address = location.IsAbsoluteUri ? location : new Uri(channel.Address, location);

        // Some registries behind a proxy name themselves with another scheme; bytes never go in the clear to another machine.
        bool isSafe = address.Scheme == Uri.UriSchemeHttps || (channel.IsPlain && address.IsLoopback);
        return isSafe ? address : throw new RegistryException($"the registry {host} wants an upload at {address.Authority} without TLS; have it name itself with https", isAway: false);
    }
}
