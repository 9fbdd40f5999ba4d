// Where a request carries a credential: a field, a cookie or a parameter of the query. Several of the same name are refused: two readers could take
// different ones.

using System.Buffers;
using System.Text;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters;

internal enum CredentialKind
{
    Header,
    Cookie,
    Query,
}

internal enum CredentialFinding
{
    Absent,
    Found,
    Repeated,
}

/// <param name="Name">Field name in lower case, or the name of the cookie or the parameter.</param>
/// <param name="Scheme">For fields: the word in front of the credential, such as <c>Bearer</c>; empty for none.</param>
internal sealed record CredentialPlace(CredentialKind Kind, string Name, string Scheme = "")
{
    private readonly byte[] _name = Encoding.Latin1.GetBytes(Name);
    private readonly byte[] _scheme = Encoding.Latin1.GetBytes(Scheme);

    public CredentialFinding Find(HeaderMap headers, out ReadOnlyMemory<byte> credential) => Kind switch
    {
        CredentialKind.Header => FindField(headers, out credential),
        CredentialKind.Cookie => FindCookie(headers, out credential),
        _ => FindParameter(headers, out credential),
    };

    /// <summary>Takes a credential that was found in a field out of the request.</summary>
    public void RemoveField(HeaderMap headers) => headers.Remove(_name);

    private CredentialFinding FindField(HeaderMap headers, out ReadOnlyMemory<byte> credential)
    {
        credential = default;
        int index = headers.IndexOf(_name);
        if (index < 0) return CredentialFinding.Absent;
        for (int other = index + 1; other < headers.Count; other++)
        {
            if (HeaderField.NameEquals(headers[other].Name.Span, _name)) return CredentialFinding.Repeated;
        }

        var value = headers[index].Value;
        if (_scheme.Length > 0)
        {
            // Another scheme is another filter's business.
            if (value.Length <= _scheme.Length || value.Span[_scheme.Length] != ' ' || !Ascii.EqualsIgnoreCase(value.Span[.._scheme.Length], _scheme)) return CredentialFinding.Absent;
            value = value[(_scheme.Length + 1)..];
        }

        credential = Trim(value);
        return credential.IsEmpty ? CredentialFinding.Absent : CredentialFinding.Found;
    }

    private CredentialFinding FindCookie(HeaderMap headers, out ReadOnlyMemory<byte> credential)
    {
        credential = default;
        for (int index = 0; index < headers.Count; index++)
        {
            if (!HeaderField.NameEquals(headers[index].Name.Span, "cookie"u8)) continue;
            var rest = headers[index].Value;
            while (!rest.IsEmpty)
            {
                var pair = Trim(CutTo((byte)';', ref rest));
                if (IsNamed(pair, out var value) && !TryTake(value, ref credential)) return CredentialFinding.Repeated;
            }
        }

        return credential.IsEmpty ? CredentialFinding.Absent : CredentialFinding.Found;
    }

    private CredentialFinding FindParameter(HeaderMap headers, out ReadOnlyMemory<byte> credential)
    {
        credential = default;
        if (!headers.TryGet(PseudoNames.Path, out var path)) return CredentialFinding.Absent;
        int question = path.Span.IndexOf((byte)'?');
        if (question < 0) return CredentialFinding.Absent;
        var rest = path[(question + 1)..];
        while (!rest.IsEmpty)
        {
            var pair = CutTo((byte)'&', ref rest);
            if (IsNamed(pair, out var value) && !TryTake(value, ref credential)) return CredentialFinding.Repeated;
        }

        return credential.IsEmpty ? CredentialFinding.Absent : CredentialFinding.Found;
    }

    private static ReadOnlyMemory<byte> CutTo(byte separator, ref ReadOnlyMemory<byte> rest)
    {
        int end = rest.Span.IndexOf(separator);
        var part = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[(end + 1)..];
        return part;
    }

    private bool IsNamed(ReadOnlyMemory<byte> pair, out ReadOnlyMemory<byte> value)
    {
        value = default;
        if (pair.Length <= _name.Length || pair.Span[_name.Length] != '=' || !pair.Span.StartsWith(_name)) return false;
        value = pair[(_name.Length + 1)..];
        return true;
    }

    private static bool TryTake(ReadOnlyMemory<byte> value, ref ReadOnlyMemory<byte> credential)
    {
        if (!credential.IsEmpty) return false;
        credential = value;
        return true;
    }

    private static ReadOnlyMemory<byte> Trim(ReadOnlyMemory<byte> value)
    {
        int start = 0, end = value.Length;
        while (start < end && value.Span[start] is (byte)' ' or (byte)'\t') start++;
        while (end > start && value.Span[end - 1] is (byte)' ' or (byte)'\t') end--;
        return value[start..end];
    }
}
