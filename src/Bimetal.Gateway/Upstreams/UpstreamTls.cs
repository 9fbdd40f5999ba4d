// The client's side of TLS to an upstream: whom the gateway trusts, whom it asks for, what it shows.

using System.Net.Security;
using Bimetal.Gateway.Configuration;

namespace Bimetal.Gateway.Upstreams;

internal static class UpstreamTls
{
    /// <summary>Null for an endpoint that speaks plain HTTP.</summary>
    public static SslClientAuthenticationOptions? OptionsFor(UpstreamEndpoint endpoint, UpstreamTlsConfig? config, SslApplicationProtocol protocol)
    {
        if (endpoint.Address.Scheme != Uri.UriSchemeHttps) return null;
        config ??= new UpstreamTlsConfig();
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = config.ServerName ?? endpoint.Address.IdnHost,
            EnabledSslProtocols = config.Versions,
            ApplicationProtocols = [protocol],
            CertificateChainPolicy = TlsAuthorities.PolicyFor(config.Authorities),
            ClientCertificateContext = config.Certificate?.Context,
        };

        // verify: false; `check` warns about it.
        bool isVerified = config.IsVerified;
        options.RemoteCertificateValidationCallback = (_, _, _, errors) => !isVerified || errors == SslPolicyErrors.None;
        return options;
    }
}
