// HTTP/1.1 as the tests see it: bytes on a socket, read without help from the code under test.

using System.Globalization;
using System.Text;

namespace Bimetal.Gateway.Tests.Support;

/// <summary>A message as it stood on the wire.</summary>
internal sealed record WireMessage(string StartLine, IReadOnlyList<(string Name, string Value)> Fields, byte[] Body, IReadOnlyList<int> ChunkSizes)
{
    public string Text => Encoding.Latin1.GetString(Body);

    public int Status => int.Parse(StartLine.Split(' ')[1], CultureInfo.InvariantCulture);

    public string Method => StartLine.Split(' ')[0];

    public string Target => StartLine.Split(' ')[1];

    public bool IsChunked => this["transfer-encoding"] == "chunked";

    /// <summary>The only value of a field, null without one; several are an error of the test or of the gateway.</summary>
    public string? this[string name] => Fields.Where(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(field => field.Value).SingleOrDefault();

    public bool Has(string name) => Fields.Any(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
}

/// <summary>Reads messages from a stream; null at its end.</summary>
internal sealed class WireReader(Stream stream)
{
    private readonly byte[] _buffer = new byte[64 << 10];
    private int _start;
    private int _end;

    /// <param name="hasBody">False for answers to HEAD.</param>
    public async Task<WireMessage?> ReadAsync(CancellationToken cancellation, bool hasBody = true)
    {
        if (await ReadHeadAsync(cancellation) is not { } head) return null;
        int status = head.StartLine.StartsWith("HTTP/", StringComparison.Ordinal) ? head.Status : 0;
        if (!hasBody || status is 204 or 304 || (status is >= 100 and < 200)) return head;
        if (head.IsChunked) return await ReadChunkedAsync(head, cancellation);
        if (head["content-length"] is { } length) return head with { Body = await ReadExactlyAsync(int.Parse(length, CultureInfo.InvariantCulture), cancellation) };
        return status == 0 ? head : head with { Body = await ReadToEndAsync(cancellation) };
    }

    public async Task<WireMessage?> ReadHeadAsync(CancellationToken cancellation)
    {
        if (await ReadLineAsync(cancellation) is not { } startLine) return null;
        var fields = await ReadFieldsAsync(cancellation);
        return new WireMessage(startLine, fields, [], []);
    }

    public async Task<byte[]> ReadToEndAsync(CancellationToken cancellation)
    {
        var all = new MemoryStream();
        while (_start < _end || await FillAsync(cancellation))
        {
            all.Write(_buffer, _start, _end - _start);
            _start = _end;
        }

        return all.ToArray();
    }

    /// <summary>Size of the next chunk; its bytes follow.</summary>
    public async Task<int> ReadChunkSizeAsync(CancellationToken cancellation) =>
        int.Parse(await ReadLineAsync(cancellation) ?? throw new EndOfStreamException("in a chunked body"), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    public async Task<byte[]> ReadExactlyAsync(int length, CancellationToken cancellation)
    {
        byte[] bytes = new byte[length];
        int filled = 0;
        while (filled < length)
        {
            if (_start == _end && !await FillAsync(cancellation)) throw new EndOfStreamException($"{filled} of {length} body bytes came");
            int take = Math.Min(length - filled, _end - _start);
            Buffer.BlockCopy(_buffer, _start, bytes, filled, take);
            filled += take;
            _start += take;
        }

        return bytes;
    }

    public async Task<string?> ReadLineAsync(CancellationToken cancellation)
    {
        var line = new StringBuilder();
        while (true)
        {
            if (_start == _end && !await FillAsync(cancellation)) return line.Length == 0 ? null : throw new EndOfStreamException("in a line: " + line);
            char character = (char)_buffer[_start++];
            if (character == '\n') return line.ToString().TrimEnd('\r');
            line.Append(character);
        }
    }

    public async Task<List<(string Name, string Value)>> ReadFieldsAsync(CancellationToken cancellation)
    {
        var fields = new List<(string, string)>();
        while (await ReadLineAsync(cancellation) is { Length: > 0 } line)
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            fields.Add((line[..colon], line[(colon + 1)..].Trim()));
        }

        return fields;
    }

    private async Task<WireMessage> ReadChunkedAsync(WireMessage head, CancellationToken cancellation)
    {
        var body = new MemoryStream();
        var sizes = new List<int>();
        while (true)
        {
            int size = await ReadChunkSizeAsync(cancellation);
            if (size == 0) break;
            sizes.Add(size);
            body.Write(await ReadExactlyAsync(size, cancellation));
            Assert.Equal("", await ReadLineAsync(cancellation));
        }

        await ReadFieldsAsync(cancellation);
        return head with { Body = body.ToArray(), ChunkSizes = sizes };
    }

    private async Task<bool> FillAsync(CancellationToken cancellation)
    {
        _start = 0;
        _end = await stream.ReadAsync(_buffer, cancellation);
        return _end > 0;
    }
}
