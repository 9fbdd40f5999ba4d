// What the upstream is told about the client: X-Forwarded-For is appended to; -Proto and -Host say what this gateway saw, because a
// client's own claim about them cannot be trusted.

using System.Net;
using System.Text;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Upstreams;

internal static class ForwardedFields
{
    private static readonly byte[] For = "x-forwarded-for"u8.ToArray();
    private static readonly byte[] Proto = "x-forwarded-proto"u8.ToArray();
    private static readonly byte[] Host = "x-forwarded-host"u8.ToArray();

    /// <summary>Added before the filters run, so that they see what the upstream will see.</summary>
    public static void Add(HttpStream stream)
    {
        var fields = stream.RequestHeaders;
        if (stream.Source?.Address is { } address) fields.Set(For, Appended(fields, address));
        if (fields.TryGet(PseudoNames.Scheme, out var scheme)) fields.Set(Proto, scheme);
        if (fields.TryGet(PseudoNames.Authority, out var authority) && authority.Length > 0) fields.Set(Host, authority);
        else fields.Remove(Host);
    }

    // Several fields of the name mean one list.
    private static byte[] Appended(HeaderMap fields, IPAddress address)
    {
        var list = new StringBuilder();
        for (int index = 0; index < fields.Count; index++)
        {
            if (HeaderField.NameEquals(fields[index].Name.Span, For)) list.Append(FieldText.Text(fields[index].Value)).Append(", ");
        }

        return Encoding.Latin1.GetBytes(list.Append(address).ToString());
    }
}
