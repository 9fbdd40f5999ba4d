// What the handshake of a client's connection came to.

using System.Security.Authentication;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Transport;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Listeners;

/// <param name="Version">Such as <c>TLSv1.3</c>.</param>
/// <param name="ServerName">What the client asked for; empty when it named no server.</param>
/// <param name="Subject">Of the client's certificate, which was verified; null when it showed none.</param>
/// <param name="SubjectField">Field of requests that says the subject; null: none does.</param>
internal sealed record TlsFacts(string Version, string ServerName, string? Subject, byte[]? SubjectField)
{
    public static TlsFacts Of(TlsChannel channel, TlsServer server)
    {
        var session = channel.Session;
        string version = session.SslProtocol == SslProtocols.Tls13 ? "TLSv1.3" : "TLSv1.2";
        return new TlsFacts(version, session.TargetHostName, session.RemoteCertificate?.Subject, server.SubjectField);
    }

    /// <summary>Tells plugins and, where it is configured, the upstream; a field of that name that the client sent is gone afterwards.</summary>
    public void AddTo(HttpStream stream)
    {
        stream.TlsVersion = Version;
        stream.RequestedServerName = ServerName;
        stream.ClientCertificateSubject = Subject;
        if (SubjectField is null) return;
        stream.RequestHeaders.Remove(SubjectField);
        if (Subject is not null) stream.RequestHeaders.Add(SubjectField, FieldText.ValueBytes(SubjectText(Subject)));
    }

    // A subject can have any character; a field has those of visible ASCII, the others escaped as in a URL.
    private static string SubjectText(string subject) => subject.All(character => character is >= ' ' and <= '~' and not '%') ? subject : Uri.EscapeDataString(subject).Replace("%20", " ", StringComparison.Ordinal);
}
