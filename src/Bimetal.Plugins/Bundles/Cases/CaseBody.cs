// A body as a case file describes it: where its bytes come from, then what is done to them, in this order:
//
//   text | hex | file    the bytes (a file's path is relative to cases/)
//   patch                "OFFSET=HEX" writes bytes over those at an offset, "OFFSET+HEX" puts them in there
//   pad                  "LENGTH=HEX" appends that byte up to a length
//   length               cuts the body off

using System.Globalization;
using System.Text;

namespace Bimetal.Plugins.Bundles.Cases;

/// <summary>Makes bodies.</summary>
internal static class CaseBody
{
    private const int MaximumBytes = 4 << 20;

    public static byte[] Read(BundleMapping mapping)
    {
        byte[] body = Source(mapping);
        foreach (string patch in mapping.Texts("patch")) body = Patch(body, patch, mapping);
        if (mapping.Text("pad") is { } pad) body = Pad(body, pad, mapping);
        if (mapping.Number("length", 0, MaximumBytes) is { } length)
            body = length <= body.Length ? body[..length] : throw mapping.Error("length", $"the body has only {body.Length} bytes");
        mapping.Finish();
        return body;
    }

    private static byte[] Source(BundleMapping mapping)
    {
        string? text = mapping.Text("text"), hex = mapping.Text("hex"), file = mapping.Text("file");
        if (new[] { text, hex, file }.Count(one => one is not null) != 1) throw mapping.Error("body", "needs one of text, hex and file");
        if (text is not null) return Encoding.UTF8.GetBytes(text);
        if (hex is not null) return Bytes(hex, "hex", mapping);
        string path = Path.Combine(Path.GetDirectoryName(mapping.File)!, file!);
        if (Path.IsPathRooted(file!) || file!.Split('/').Contains("..") || !File.Exists(path)) throw mapping.Error("file", $"{file} is not a file in cases/");
        return File.ReadAllBytes(path);
    }

    private static byte[] Patch(byte[] body, string patch, BundleMapping mapping)
    {
        int sign = patch.IndexOfAny(['=', '+']);
        if (sign <= 0 || !int.TryParse(patch.AsSpan(0, sign), NumberStyles.None, CultureInfo.InvariantCulture, out int offset) || offset > body.Length)
            throw mapping.Error("patch", $"'{patch}' is not OFFSET=HEX or OFFSET+HEX inside the body");
        byte[] bytes = Bytes(patch[(sign + 1)..], "patch", mapping);
        int tail = patch[sign] == '+' ? offset : Math.Min(body.Length, offset + bytes.Length);
        return [.. body[..offset], .. bytes, .. body[tail..]];
    }

    private static byte[] Pad(byte[] body, string pad, BundleMapping mapping)
    {
        string[] parts = pad.Split('=');
        if (parts.Length != 2 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int length) || length > MaximumBytes
            || Bytes(parts[1], "pad", mapping) is not [byte filler])
            throw mapping.Error("pad", $"'{pad}' is not LENGTH=HEX, such as 70000=ff");
        return length <= body.Length ? body : [.. body, .. Enumerable.Repeat(filler, length - body.Length)];
    }

    private static byte[] Bytes(string hex, string key, BundleMapping mapping)
    {
        try
        {
            return Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        }
        catch (FormatException)
        {
            throw mapping.Error(key, "must be pairs of hexadecimal digits");
        }
    }
}
