// The keys of tls: for listeners and upstreams: reads the files that they name, and says what is wrong with them.

using System.Security.Authentication;
using System.Security.Cryptography;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

internal static class TlsReader
{
    private const int MaximumPemBytes = 4 << 20;
    private const int MaximumCertificates = 1000;
    private const string CertificateRemedy = "write { certificate: FILE.pem, key: FILE.key }, or one PEM file that has both";

    public static ListenerTlsConfig? ReadListener(ConfigMapping listener, ConfigReport report)
    {
        if (listener.Mapping("tls") is not { } tls) return null;
        var certificates = new List<TlsCertificate>();
        int count = 0;
        foreach (var (path, node) in tls.RequiredSequence("certificates", CertificateRemedy, isTextOrMapping: true))
        {
            count++;
            if (ReadCertificate(path, node, report) is { } certificate) certificates.Add(certificate);
        }

        if (tls.Has("certificates") && count is 0 or > MaximumCertificates) tls.Error("certificates", $"has {count} certificates", $"1 to {MaximumCertificates} are possible");
        var authorities = ReadAuthorities(tls, "client_ca", report);
        bool isRequired = tls.Choice("client_certificates", true, ("required", true), ("optional", false));
        string? subjectField = tls.Text("client_subject_header")?.ToLowerInvariant();
        var versions = ReadVersions(tls);
        tls.Finish();
        if (!tls.Has("client_ca") && (tls.Has("client_certificates") || subjectField is not null))
            tls.Error(subjectField is null ? "client_certificates" : "client_subject_header", "has a meaning beside client_ca only", "name the file with the certificates of the clients' authorities: client_ca: clients.pem");
        if (subjectField is not null && !Pipeline.FieldRules.MayBeSet(subjectField))
            tls.Error("client_subject_header", $"'{subjectField}' is no field that can be set", "write a name such as x-client-subject");
        if (certificates.Count == 0) return null;
        return new ListenerTlsConfig { Certificates = certificates, Versions = versions, ClientAuthorities = authorities, IsClientCertificateRequired = isRequired, SubjectField = subjectField };
    }

    public static UpstreamTlsConfig? ReadUpstream(ConfigMapping upstream, ConfigReport report)
    {
        if (upstream.Mapping("tls") is not { } tls) return null;
        TlsCertificate? certificate = null;
        if (tls.Mapping("client_certificate") is { } own) certificate = ReadPair(own, report);
        var config = new UpstreamTlsConfig
        {
            Authorities = ReadAuthorities(tls, "ca", report),
            IsVerified = tls.Flag("verify", absent: true),
            ServerName = tls.Text("server_name"),
            Certificate = certificate,
            Versions = ReadVersions(tls),
        };
        tls.Finish();
        if (!config.IsVerified) tls.Warn("verify", "whoever answers at the address is taken for the upstream", "name its authority with ca: FILE instead");
        if (config.ServerName is { } name && Uri.CheckHostName(name) == UriHostNameType.Unknown) tls.Error("server_name", $"'{name}' is not a host name");
        return config;
    }

    private static SslProtocols ReadVersions(ConfigMapping tls) =>
        tls.Choice("min_version", SslProtocols.Tls12 | SslProtocols.Tls13, ("1.2", SslProtocols.Tls12 | SslProtocols.Tls13), ("1.3", SslProtocols.Tls13));

    private static TlsCertificate? ReadCertificate(string path, YamlNode node, ConfigReport report)
    {
        if (node is YamlScalarNode { Value: { Length: > 0 } file })
        {
            string full = Path.GetFullPath(file, report.Folder);
            return ReadText(full, path, node.Start.Line, report) is { } both ? Make(both, both, full, path, node.Start.Line, report) : null;
        }

        return ConfigMapping.From(node, path, report) is { } mapping ? ReadPair(mapping, report) : null;
    }

    private static TlsCertificate? ReadPair(ConfigMapping mapping, ConfigReport report)
    {
        mapping.RequiredText("certificate", CertificateRemedy);
        mapping.RequiredText("key", CertificateRemedy);
        mapping.Finish();
        if (mapping.FilePath("certificate") is not { } certificateFile || mapping.FilePath("key") is not { } keyFile) return null;
        if (ReadText(certificateFile, mapping.KeyPath("certificate"), mapping.LineOf("certificate"), report) is not { } certificate) return null;
        if (ReadText(keyFile, mapping.KeyPath("key"), mapping.LineOf("key"), report) is not { } key) return null;
        return Make(certificate, key, keyFile, mapping.Path, mapping.LineOf("certificate"), report);
    }

    private static TlsCertificate? Make(string certificates, string key, string keyFile, string path, long line, ConfigReport report)
    {
        try
        {
            if (!OperatingSystem.IsWindows() && File.GetUnixFileMode(keyFile).HasFlag(UnixFileMode.OtherRead)) report.Warn(line, path, $"everyone on this machine can read the key in {keyFile}", "chmod 600");
            var certificate = TlsCertificate.FromPem(certificates, key);
            if (certificate.Leaf.NotAfter < DateTime.Now) report.Warn(line, path, $"the certificate ended on {certificate.Leaf.NotAfter.ToUniversalTime():yyyy-MM-dd}", "renew it");
            return certificate;
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            report.Error(line, path, "no certificate with its key in PEM: " + exception.Message.ReplaceLineEndings(" "), "the certificate stands first, its chain behind it; the key is not encrypted and belongs to the certificate");
            return null;
        }
    }

    private static TlsAuthorities? ReadAuthorities(ConfigMapping tls, string key, ConfigReport report)
    {
        if (tls.FilePath(key) is not { } path || ReadText(path, tls.KeyPath(key), tls.LineOf(key), report) is not { } text) return null;
        try
        {
            return TlsAuthorities.FromPem(text);
        }
        catch (CryptographicException exception)
        {
            tls.Error(key, $"{path} holds no certificates in PEM: {exception.Message}", "name a PEM file with one certificate or more");
            return null;
        }
    }

    private static string? ReadText(string file, string path, long line, ConfigReport report)
    {
        report.Watched.Add(file);
        try
        {
            if (new FileInfo(file) is { Exists: true } info && info.Length <= MaximumPemBytes) return File.ReadAllText(file);
            report.Error(line, path, File.Exists(file) ? $"{file} is larger than {MaximumPemBytes} bytes" : $"there is no file {file}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            report.Error(line, path, $"{file} cannot be read: {exception.Message}");
        }

        return null;
    }
}
