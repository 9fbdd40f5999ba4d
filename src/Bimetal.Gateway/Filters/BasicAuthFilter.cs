// The built-in filter basic_auth: user names with passwords (RFC 7617). Checking a password costs milliseconds, so few are checked at a time, requests
// wait for that without holding a thread, and a password that was right is remembered for a while.

using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters;

internal sealed class BasicAuthFilter(BasicAuthFilterConfig config) : Filter, IAsyncDisposable
{
    /// <summary>Longest user name and password together.</summary>
    private const int MaximumBytes = 512;

    /// <summary>Requests that wait for a check at most; further ones are answered 503.</summary>
    private const int MaximumWaiting = 256;

    private const int RememberedCount = 1024;

    private static readonly CredentialPlace Place = new(CredentialKind.Header, "authorization", "Basic");
    private static readonly LocalResponse Busy = FilterAnswer.Of(503, "busy", ("retry-after", "1"));

    private readonly LocalResponse _refused = FilterAnswer.Of(401, "credentials-invalid", ("www-authenticate", $"Basic realm=\"{config.Realm}\", charset=\"UTF-8\""));

    // Half of the processors: who guesses passwords must not stop the traffic of the others.
    private readonly SemaphoreSlim _checks = new(Math.Max(1, Environment.ProcessorCount / 2));
    private readonly CredentialCache<NamedIdentity> _remembered = new(config.Remember > TimeSpan.Zero ? RememberedCount : 0);

    // What is remembered is a keyed hash: memory that leaks is no list of quickly guessed passwords.
    private readonly byte[] _hashKey = RandomNumberGenerator.GetBytes(32);
    private int _waiting;

    public override string Name => "basic_auth";

    public override FilterStream? Begin(HttpStream stream, out GatewayError? error)
    {
        error = null;
        if (!config.UserHeader.IsEmpty) stream.RequestHeaders.Remove(config.UserHeader.Span);
        if (Place.Find(stream.RequestHeaders, out var encoded) != CredentialFinding.Found || Decode(encoded.Span) is not { } credentials) return new AnsweringStream(_refused);
        var hash = CredentialHash.From(HMACSHA256.HashData(_hashKey, credentials));
        if (!_remembered.IsOff && _remembered.Find(hash, this, Seconds(stream)) is { } known)
        {
            Accept(stream, known);
            return null;
        }

        if (Volatile.Read(ref _waiting) >= MaximumWaiting) return new AnsweringStream(Busy);
        return new CheckingStream(this, stream, credentials, hash);
    }

    public ValueTask DisposeAsync()
    {
        _checks.Dispose();
        return ValueTask.CompletedTask;
    }

    private static byte[]? Decode(ReadOnlySpan<byte> encoded)
    {
        Span<byte> decoded = stackalloc byte[MaximumBytes];
        if (encoded.Length > Base64.GetMaxEncodedToUtf8Length(MaximumBytes) - 4 || Base64.DecodeFromUtf8(encoded, decoded, out int used, out int written) != System.Buffers.OperationStatus.Done) return null;
        return used == encoded.Length && decoded[..written].Contains((byte)':') ? decoded[..written].ToArray() : null;
    }

    private static double Seconds(HttpStream stream) => stream.StartedAt.ToUnixTimeMilliseconds() / 1000.0;

    private void Accept(HttpStream stream, NamedIdentity user)
    {
        if (!config.ForwardCredentials) Place.RemoveField(stream.RequestHeaders);
        if (!config.UserHeader.IsEmpty) stream.RequestHeaders.Add(config.UserHeader, user.Name);
        stream.Identity = user;
    }

    private async Task<NamedIdentity?> CheckAsync(byte[] credentials)
    {
        Interlocked.Increment(ref _waiting);
        await _checks.WaitAsync();
        try
        {
            int colon = Array.IndexOf(credentials, (byte)':');

            // A user who does not exist takes as long as one who does.
            bool exists = config.Users.TryGetValue(Encoding.UTF8.GetString(credentials, 0, colon), out var password);
            bool isRight = await Task.Run(() => (password ?? ShaCrypt.Nobody).Verify(credentials.AsSpan(colon + 1)));
            return exists && isRight ? new NamedIdentity(credentials.AsMemory(0, colon)) : null;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
            _checks.Release();
        }
    }

    private sealed class CheckingStream(BasicAuthFilter filter, HttpStream stream, byte[] credentials, CredentialHash hash) : FilterStream
    {
        private Task<NamedIdentity?>? _check;

        public override FilterAction OnRequestHeaders(bool endOfStream)
        {
            _check = filter.CheckAsync(credentials);
            _ = _check.ContinueWith(static (_, self) => ((CheckingStream)self!).Continue(isRequest: true), this, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            return FilterAction.Pause;
        }

        public override void Refresh(ErrorPhase phase)
        {
            if (_check is { IsCompletedSuccessfully: true, Result: { } user })
            {
                filter.Accept(stream, user);
                double now = Seconds(stream);
                if (!filter._remembered.IsOff) filter._remembered.Add(hash, filter, user, now + filter.Remember, now);
                return;
            }

            Answer = filter._refused;
        }
    }

    private double Remember => config.Remember.TotalSeconds;
}
