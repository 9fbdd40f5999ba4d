// An authority and a certificate of it, made by openssl as an operator makes them.

using System.Diagnostics;

namespace Bimetal.Testing;

/// <summary>PEM files in a folder.</summary>
public sealed class TestCertificates
{
    /// <param name="folder">Where the files go.</param>
    /// <param name="names">Subject alternative names, such as <c>IP:127.0.0.1,DNS:registry.test</c>.</param>
    public TestCertificates(string folder, string names)
    {
        (Authority, Certificate, Key) = (Path.Combine(folder, "ca.pem"), Path.Combine(folder, "server.pem"), Path.Combine(folder, "server.key"));
        string authorityKey = Path.Combine(folder, "ca.key");
        string[] newKey = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
        OpenSsl([.. newKey, "-keyout", authorityKey, "-out", Authority, "-subj", "/CN=Test Authority"]);
        OpenSsl([.. newKey, "-CA", Authority, "-CAkey", authorityKey, "-keyout", Key, "-out", Certificate, "-subj", "/CN=registry", "-addext", $"subjectAltName={names}", "-addext", "basicConstraints=critical,CA:FALSE"]);
    }

    /// <summary>What clients have to believe.</summary>
    public string Authority { get; }

    public string Certificate { get; }

    public string Key { get; }

    private static void OpenSsl(string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("openssl", arguments) { RedirectStandardError = true })!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"openssl {string.Join(' ', arguments)}: {errors}");
    }
}
