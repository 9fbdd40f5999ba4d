// The server's side of TLS on one listener: which certificate answers to which name, which versions are spoken, who has to show a certificate.

using System.Net.Security;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Transport;

namespace Bimetal.Gateway.Listeners;

/// <summary>Immutable: other certificates are another one.</summary>
internal sealed class TlsServer
{
    private readonly Dictionary<string, SslServerAuthenticationOptions> _exact = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, SslServerAuthenticationOptions> _wildcards = new(StringComparer.OrdinalIgnoreCase);
    private readonly SslServerAuthenticationOptions _default;
    private readonly ListenerTlsConfig _config;
    private readonly TimeSpan _timeout;

    /// <param name="protocols">For ALPN, the preferred one first.</param>
    public TlsServer(ListenerTlsConfig config, TimeSpan timeout, IReadOnlyList<SslApplicationProtocol> protocols)
    {
        _config = config;
        _timeout = timeout;
        SubjectField = config.SubjectField is { } field ? FieldText.NameBytes(field).ToArray() : null;
        SslServerAuthenticationOptions? first = null;
        foreach (var certificate in config.Certificates)
        {
            var options = OptionsFor(certificate, protocols);
            first ??= options;
            foreach (string name in certificate.Names)
            {
                if (name.StartsWith("*.", StringComparison.Ordinal)) _wildcards.TryAdd(name[1..], options);
                else _exact.TryAdd(name, options);
            }
        }

        _default = first!;
    }

    /// <summary>Null: the subject of a client's certificate is told to plugins only.</summary>
    public byte[]? SubjectField { get; }

    /// <exception cref="IOException">The handshake failed; the connection is closed.</exception>
    /// <exception cref="TimeoutException">It took too long.</exception>
    public ValueTask<TlsChannel> AcceptAsync(SocketChannel channel) =>
        TlsChannel.AcceptAsync(channel, (_, hello, _, _) => new ValueTask<SslServerAuthenticationOptions>(For(hello.ServerName)), _timeout);

    /// <summary>The exact name, then the wildcard for its first label, then the first certificate.</summary>
    internal SslServerAuthenticationOptions For(string? name)
    {
        if (string.IsNullOrEmpty(name)) return _default;
        if (_exact.TryGetValue(name, out var exact)) return exact;
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && _wildcards.TryGetValue(name[dot..], out var wildcard) ? wildcard : _default;
    }

    private SslServerAuthenticationOptions OptionsFor(TlsCertificate certificate, IReadOnlyList<SslApplicationProtocol> protocols)
    {
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = certificate.Context,
            EnabledSslProtocols = _config.Versions,
            ApplicationProtocols = [.. protocols],
            AllowRenegotiation = false,
        };
        if (_config.ClientAuthorities is not { } authorities) return options;
        options.ClientCertificateRequired = true;
        options.CertificateChainPolicy = TlsAuthorities.PolicyFor(authorities);
        bool isRequired = _config.IsClientCertificateRequired;
        options.RemoteCertificateValidationCallback = (_, shown, _, errors) => shown is null ? !isRequired : errors == SslPolicyErrors.None;
        return options;
    }
}
