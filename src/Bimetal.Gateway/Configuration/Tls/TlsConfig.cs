// The two tls: sections, checked: that of a listener and that of an upstream.

using System.Security.Authentication;

namespace Bimetal.Gateway.Configuration;

/// <summary><c>listeners[].tls:</c>.</summary>
public sealed record ListenerTlsConfig
{
    /// <summary>At least one; the first is for clients that name no server, or one that no certificate has.</summary>
    public required IReadOnlyList<TlsCertificate> Certificates { get; init; }

    public SslProtocols Versions { get; init; } = SslProtocols.Tls12 | SslProtocols.Tls13;

    /// <summary>Null: clients are not asked for a certificate.</summary>
    public TlsAuthorities? ClientAuthorities { get; init; }

    /// <summary>Whether a client without a certificate is refused.</summary>
    public bool IsClientCertificateRequired { get; init; } = true;

    /// <summary>Field of the request (lower case) that says the subject of the client's certificate; null: none does.</summary>
    public string? SubjectField { get; init; }

    public bool Equals(ListenerTlsConfig? other) =>
        other is not null && Certificates.SequenceEqual(other.Certificates) && Versions == other.Versions && Equals(ClientAuthorities, other.ClientAuthorities)
        && IsClientCertificateRequired == other.IsClientCertificateRequired && SubjectField == other.SubjectField;

    public override int GetHashCode() => HashCode.Combine(Certificates[0], Versions, ClientAuthorities, SubjectField);
}

/// <summary><c>upstreams.NAME.tls:</c>, for endpoints whose URL begins with https.</summary>
public sealed record UpstreamTlsConfig
{
    /// <summary>Null: those that the system trusts.</summary>
    public TlsAuthorities? Authorities { get; init; }

    /// <summary>Whether the upstream has to prove who it is.</summary>
    public bool IsVerified { get; init; } = true;

    /// <summary>The name that is asked for and expected; null: the host of the endpoint's URL.</summary>
    public string? ServerName { get; init; }

    /// <summary>What the gateway shows; null: nothing.</summary>
    public TlsCertificate? Certificate { get; init; }

    public SslProtocols Versions { get; init; } = SslProtocols.Tls12 | SslProtocols.Tls13;
}
