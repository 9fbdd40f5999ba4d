// Builds binaries by hand, well-formed or not.

namespace Bimetal.Wasm.Tests;

/// <summary>Bytes of a module, appended section by section.</summary>
internal sealed class ModuleBytes
{
    private readonly List<byte> _bytes = [0, (byte)'a', (byte)'s', (byte)'m', 1, 0, 0, 0];

    /// <summary>Type section with one type () -> () and a function section and code section of these bodies.</summary>
    internal static byte[] WithBodies(params byte[][] bodies) => new ModuleBytes()
        .Section(1, [1, 0x60, 0, 0])
        .Section(3, [.. Leb(bodies.Length), .. Enumerable.Repeat((byte)0, bodies.Length)])
        .Section(10, [.. Leb(bodies.Length), .. bodies.SelectMany(body => (byte[])[.. Leb(body.Length), .. body])])
        .ToArray();

    internal static byte[] Leb(long value)
    {
        var bytes = new List<byte>();
        do
        {
            byte low = (byte)(value & 0x7F);
            value >>= 7;
            bytes.Add(value == 0 ? low : (byte)(low | 0x80));
        }
        while (value != 0);
        return [.. bytes];
    }

    internal ModuleBytes Section(byte id, params byte[] content)
    {
        _bytes.Add(id);
        _bytes.AddRange(Leb(content.Length));
        _bytes.AddRange(content);
        return this;
    }

    internal byte[] ToArray() => [.. _bytes];
}
