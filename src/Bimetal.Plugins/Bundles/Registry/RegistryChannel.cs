// One registry over HTTP: authorisation (basic, and bearer tokens as registries give them out), retries with backoff, errors in one line.

using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Bimetal.Plugins.Bundles.Registry;

/// <summary>Sends requests to one registry, for one repository. Not for several requests at once.</summary>
internal sealed partial class RegistryChannel : IDisposable
{
    private const int Attempts = 4;
    private const int MaximumErrorBytes = 64 * 1024;
    private static readonly TimeSpan s_connectLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_answerLimit = TimeSpan.FromSeconds(60);

    private readonly HttpClient _client;
    private readonly RegistryReference _reference;
    private readonly RegistryAccess _access;
    private AuthenticationHeaderValue? _authorization;

    public RegistryChannel(RegistryReference reference, RegistryAccess access)
    {
        _reference = reference;
        _access = access;
        IsPlain = reference.IsLoopback && access.Authorities is null;
        Address = new Uri($"{(IsPlain ? Uri.UriSchemeHttp : Uri.UriSchemeHttps)}://{reference.Host}/");
        var handler = new SocketsHttpHandler { ConnectTimeout = s_connectLimit, AutomaticDecompression = DecompressionMethods.None, UseCookies = false, SslOptions = access.TlsOptions() };
        _client = new HttpClient(handler) { BaseAddress = Address, Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Plain HTTP is for registries on this machine alone.</summary>
    public bool IsPlain { get; }

    public Uri Address { get; }

    public void Dispose() => _client.Dispose();

    /// <summary>Sends until there is an answer that is not the registry's own trouble.</summary>
    /// <param name="make">Makes the request anew for each attempt.</param>
    /// <param name="isWrite">Which permission a token has to have.</param>
    /// <param name="wanted">Statuses that the caller takes.</param>
    /// <param name="attempts">1 for what must not be sent twice.</param>
    /// <returns>The answer's head; its body is still to be read.</returns>
    /// <exception cref="RegistryException">There is none, or one with another status.</exception>
    public async Task<HttpResponseMessage> SendAsync(
        Func<HttpRequestMessage> make, bool isWrite, HttpStatusCode[] wanted, CancellationToken cancellation, int attempts = Attempts)
    {
        for (int attempt = 1; ; attempt++)
        {
            RegistryException failure;
            try
            {
                var response = await SendOnceAsync(make, isWrite, cancellation);
                if (wanted.Contains(response.StatusCode)) return response;
                failure = await FailureOfAsync(response, cancellation);
                response.Dispose();
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException || (exception is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                failure = Unreachable(exception);
            }

            if (!failure.IsAway || attempt >= attempts) throw failure;
            await Task.Delay(_access.Backoff * (1 << (attempt - 1)), cancellation);
        }
    }

    private RegistryException Unreachable(Exception exception)
    {
        string reason = exception is OperationCanceledException ? $"no answer within {s_answerLimit.TotalSeconds:0} s" : (exception.InnerException ?? exception).Message;
        string remedy = exception.InnerException is AuthenticationException
            ? "name its authority with --ca-file or pull.ca_file, or add it to the system's"
            : $"check the address, and that it speaks {Address.Scheme}";
        return new RegistryException($"the registry {_reference.Host} cannot be reached: {reason}; {remedy}", isAway: true);
    }

    private async Task<HttpResponseMessage> SendOnceAsync(Func<HttpRequestMessage> make, bool isWrite, CancellationToken cancellation)
    {
        var response = await TrySendAsync(make, cancellation);
        if (response.StatusCode != HttpStatusCode.Unauthorized) return response;
        var challenge = response.Headers.WwwAuthenticate.FirstOrDefault();
        if (await AuthorizeAsync(challenge, isWrite, cancellation) is not { } authorization) return response;
        response.Dispose();
        _authorization = authorization;
        return await TrySendAsync(make, cancellation);
    }

    private async Task<HttpResponseMessage> TrySendAsync(Func<HttpRequestMessage> make, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(s_answerLimit);
        using var request = make();

        // An upload's address may be on another host, which must not get our login.
        bool isOurs = request.RequestUri is not { IsAbsoluteUri: true } uri || uri.Authority == _client.BaseAddress!.Authority;
        if (isOurs) request.Headers.Authorization = _authorization;
        return await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
    }

    private async Task<AuthenticationHeaderValue?> AuthorizeAsync(AuthenticationHeaderValue? challenge, bool isWrite, CancellationToken cancellation)
    {
        if (challenge is null) return null;
        if (challenge.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase)) return _access.Login is null ? null : new AuthenticationHeaderValue("Basic", _access.Login.Basic);
        if (!challenge.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase)) return null;
        var parameters = Parameter().Matches(challenge.Parameter ?? "").ToDictionary(match => match.Groups["name"].Value, match => match.Groups["value"].Value, StringComparer.OrdinalIgnoreCase);
        if (!parameters.TryGetValue("realm", out string? realm) || !Uri.TryCreate(realm, UriKind.Absolute, out var address)) return null;

        // A login goes only over TLS, or to this machine when the registry itself is on it.
        bool isSafe = address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && IsPlain && address.IsLoopback);
        if (!isSafe) throw new RegistryException($"the registry {_reference.Host} wants a token from {address}, which is neither TLS nor on this machine", isAway: false);
        string scope = parameters.GetValueOrDefault("scope", $"repository:{_reference.Repository}:{(isWrite ? "pull,push" : "pull")}");
        string query = $"service={Uri.EscapeDataString(parameters.GetValueOrDefault("service", ""))}&scope={Uri.EscapeDataString(scope)}";
        using var request = new HttpRequestMessage(HttpMethod.Get, new UriBuilder(address) { Query = query }.Uri);
        if (_access.Login is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Basic", _access.Login.Basic);
        using var response = await _client.SendAsync(request, cancellation);
        if (!response.IsSuccessStatusCode) return null;
        return TokenOf(await response.Content.ReadAsByteArrayAsync(cancellation)) is { } token ? new AuthenticationHeaderValue("Bearer", token) : null;
    }

    private static string? TokenOf(byte[] json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            foreach (string name in (string[])["token", "access_token"])
            {
                if (document.RootElement.TryGetProperty(name, out var token) && token.ValueKind == JsonValueKind.String) return token.GetString();
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Said as a failed authorisation.
        }

        return null;
    }

    private async Task<RegistryException> FailureOfAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        int status = (int)response.StatusCode;
        string said = await SaidAsync(response, cancellation);
        bool isAway = status is 408 or 429 or >= 500;
        string remedy = status switch
        {
            401 => _access.Login is null ? "name a login: docker login, or a file in $REGISTRY_AUTH_FILE" : $"the login {_access.Login.Name} is not accepted",
            403 => "the login may not do that",
            404 => "check repository and tag",
            _ => isAway ? "try again later" : "check the reference",
        };
        return new RegistryException($"the registry {_reference.Host} answers {status}{said}; {remedy}", isAway, isAbsent: status == 404);
    }

    // {"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}
    private static async Task<string> SaidAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        try
        {
            if (response.Content.Headers.ContentLength is > MaximumErrorBytes) return "";
            using var document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellation), new JsonDocumentOptions { MaxDepth = 16 });
            var first = document.RootElement.GetProperty("errors")[0];
            string text = first.TryGetProperty("message", out var message) && message.GetString() is { Length: > 0 } words ? words : first.GetProperty("code").GetString() ?? "";
            return $" ({new string([.. text.Where(letter => !char.IsControl(letter)).Take(200)])})";
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or HttpRequestException or IndexOutOfRangeException)
        {
            return "";
        }
    }

    [GeneratedRegex("(?<name>[A-Za-z]+)=\"(?<value>[^\"]*)\"", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Parameter();
}
