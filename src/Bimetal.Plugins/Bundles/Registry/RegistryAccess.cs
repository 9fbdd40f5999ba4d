// How one registry is spoken to: with whose login, and whose certificates are believed beside those that the system believes.

using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Bimetal.Plugins.Bundles.Registry;

/// <summary>Immutable, thread-safe.</summary>
/// <param name="Authorities">Of the registry's own authority; with them TLS is spoken on loopback addresses too. Null: only the system's count.</param>
internal sealed record RegistryAccess(RegistryLogin? Login = null, X509Certificate2Collection? Authorities = null)
{
    private const int MaximumFileBytes = 1 << 20;

    /// <summary>Before a request is sent a second time; doubles with each further one.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <param name="host">As in references.</param>
    /// <param name="authFile">A file of logins; null: the usual places.</param>
    /// <param name="caFile">PEM certificates; null: none beside the system's.</param>
    /// <exception cref="PluginLoadException">A file that was named cannot be read.</exception>
    public static RegistryAccess Find(string host, string? authFile, string? caFile) =>
        new(RegistryCredentials.Find(host, authFile), caFile is null ? null : ReadAuthorities(caFile));

    /// <summary>What a TLS connection to a registry takes for good: a chain to the system's roots or to one of the authorities, and the right name in any case.</summary>
    public SslClientAuthenticationOptions TlsOptions() => new()
    {
        RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            errors == SslPolicyErrors.None
            || (errors == SslPolicyErrors.RemoteCertificateChainErrors && Authorities is not null && certificate is X509Certificate2 leaf && EndsAtAnAuthority(leaf, chain)),
    };

    private bool EndsAtAnAuthority(X509Certificate2 leaf, X509Chain? sent)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(Authorities!);
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1", "server authentication"));
        if (sent is not null) chain.ChainPolicy.ExtraStore.AddRange(sent.ChainElements.Select(element => element.Certificate).ToArray());
        return chain.Build(leaf);
    }

    private static X509Certificate2Collection ReadAuthorities(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaximumFileBytes) throw new PluginLoadException($"{path}: is longer than {MaximumFileBytes} bytes, so it does not hold a registry's authority");
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPem(File.ReadAllText(path));
            return authorities.Count > 0 ? authorities : throw new PluginLoadException($"{path}: there is no certificate in it; name a PEM file with the registry's authority");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new PluginLoadException($"{path}: cannot be read as certificates: {exception.Message}; name a PEM file with the registry's authority", exception);
        }
    }
}
