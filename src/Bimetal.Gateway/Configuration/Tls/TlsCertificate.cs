// A certificate with its key and chain, as files gave it. Two are equal when the files say the same, so that a reload can tell what changed.

using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Bimetal.Gateway.Configuration;

/// <summary>Thread-safe.</summary>
public sealed class TlsCertificate : IEquatable<TlsCertificate>
{
    private readonly string _digest;

    private TlsCertificate(X509Certificate2 leaf, X509Certificate2Collection chain, string digest)
    {
        _digest = digest;
        Leaf = leaf;
        Context = SslStreamCertificateContext.Create(leaf, chain, offline: true);
        Names = NamesOf(leaf);
    }

    public X509Certificate2 Leaf { get; }

    /// <summary>Prepared for handshakes.</summary>
    public SslStreamCertificateContext Context { get; }

    /// <summary>The DNS names that it is for, such as <c>example.com</c> and <c>*.example.com</c>; the common name when it lists none.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Takes a certificate with its chain, and a key that may stand in the same text.</summary>
    /// <exception cref="CryptographicException">The texts are no certificate and its key.</exception>
    /// <exception cref="ArgumentException">Likewise.</exception>
    public static TlsCertificate FromPem(string certificates, string key)
    {
        var leaf = X509Certificate2.CreateFromPem(certificates, key);
        var all = new X509Certificate2Collection();
        all.ImportFromPem(certificates);
        X509Certificate2[] chain = [.. all.Where(certificate => !certificate.RawDataMemory.Span.SequenceEqual(leaf.RawDataMemory.Span))];
        return new TlsCertificate(leaf, new X509Certificate2Collection(chain), PemDigest.Of(certificates, key));
    }

    public bool Equals(TlsCertificate? other) => other is not null && other._digest == _digest;

    public override bool Equals(object? obj) => Equals(obj as TlsCertificate);

    public override int GetHashCode() => _digest.GetHashCode(StringComparison.Ordinal);

    private static string[] NamesOf(X509Certificate2 leaf)
    {
        var listed = leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        string[] names = listed is null ? [] : [.. listed.EnumerateDnsNames()];
        return names.Length > 0 ? names : [leaf.GetNameInfo(X509NameType.DnsName, forIssuer: false)];
    }
}

/// <summary>Certificates that others' certificates are checked against. Equal when the files say the same.</summary>
public sealed class TlsAuthorities : IEquatable<TlsAuthorities>
{
    private readonly string _digest;

    private TlsAuthorities(X509Certificate2Collection certificates, string digest)
    {
        Certificates = certificates;
        _digest = digest;
    }

    public X509Certificate2Collection Certificates { get; }

    /// <exception cref="CryptographicException">The text is not PEM, or has no certificate in it.</exception>
    public static TlsAuthorities FromPem(string certificates)
    {
        var all = new X509Certificate2Collection();
        all.ImportFromPem(certificates);
        return all.Count > 0 ? new TlsAuthorities(all, PemDigest.Of(certificates, "")) : throw new CryptographicException("there is no certificate in it");
    }

    /// <summary>How a chain that ends at one of these is checked. Nothing is fetched from the network for it.</summary>
    public static X509ChainPolicy PolicyFor(TlsAuthorities? authorities)
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (authorities is null) return policy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(authorities.Certificates);
        return policy;
    }

    public bool Equals(TlsAuthorities? other) => other is not null && other._digest == _digest;

    public override bool Equals(object? obj) => Equals(obj as TlsAuthorities);

    public override int GetHashCode() => _digest.GetHashCode(StringComparison.Ordinal);
}

internal static class PemDigest
{
    public static string Of(string first, string second) => Convert.ToHexString(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(first + "\0" + second)));
}
