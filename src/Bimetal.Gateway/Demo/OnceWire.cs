// HTTP/1.1 for `demo --once`, on both ends: as little as it takes, so that answers are compared as they were on the wire.

using System.Globalization;
using System.Text;

namespace Bimetal.Gateway.Demo;

/// <summary>A message as it came. <see cref="IsWhole"/> is false when the connection ended inside it.</summary>
internal sealed record OnceMessage(string StartLine, IReadOnlyList<(string Name, string Value)> Fields, byte[] Body, bool IsWhole)
{
    public string[] Values(string name) => [.. Fields.Where(field => field.Name == name).Select(field => field.Value)];
}

/// <summary>Reads messages from one connection.</summary>
internal sealed class OnceReader(Stream stream)
{
    private readonly byte[] _buffer = new byte[32 << 10];
    private int _start;
    private int _end;

    /// <summary>Null when the connection ends, or breaks, before a message begins.</summary>
    public async Task<OnceMessage?> ReadAsync(bool isHead, CancellationToken cancellation)
    {
        var body = new MemoryStream();
        string? startLine = null;
        var fields = new List<(string, string)>();
        try
        {
            startLine = await ReadLineAsync(cancellation);
            while (await ReadLineAsync(cancellation) is { Length: > 0 } line)
            {
                int colon = line.IndexOf(':', StringComparison.Ordinal);
                if (colon > 0) fields.Add((line[..colon].ToLowerInvariant(), line[(colon + 1)..].Trim()));
            }

            var head = new OnceMessage(startLine, fields, [], true);
            await ReadBodyAsync(head, isHead, body, cancellation);
            return head with { Body = body.ToArray() };
        }
        catch (IOException)
        {
            return startLine is null ? null : new OnceMessage(startLine, fields, body.ToArray(), false);
        }
    }

    private async Task ReadBodyAsync(OnceMessage head, bool isHead, MemoryStream body, CancellationToken cancellation)
    {
        bool isResponse = head.StartLine.StartsWith("HTTP/", StringComparison.Ordinal);
        if (isHead || (isResponse && head.StartLine.Split(' ')[1] is "204" or "304")) return;
        if (head.Values("transfer-encoding") is ["chunked"]) await ReadChunksAsync(body, cancellation);
        else if (head.Values("content-length") is [var text] && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long length)) await CopyAsync(body, length, cancellation);
        else if (isResponse) await CopyAsync(body, long.MaxValue, cancellation);
    }

    private async Task ReadChunksAsync(MemoryStream body, CancellationToken cancellation)
    {
        while (true)
        {
            string line = await ReadLineAsync(cancellation);
            if (!int.TryParse(line, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out int size)) throw new IOException("a chunk size that is none");
            if (size > 0) await CopyAsync(body, size, cancellation);
            line = await ReadLineAsync(cancellation);
            if (size == 0 && line.Length == 0) return;
        }
    }

    private async Task CopyAsync(MemoryStream target, long length, CancellationToken cancellation)
    {
        for (long left = length; left > 0;)
        {
            if (_start == _end && !await FillAsync(cancellation))
            {
                if (length == long.MaxValue) return;
                throw new EndOfStreamException();
            }

            int take = (int)Math.Min(left, _end - _start);
            target.Write(_buffer, _start, take);
            _start += take;
            left -= take;
        }
    }

    private async Task<string> ReadLineAsync(CancellationToken cancellation)
    {
        var line = new StringBuilder();
        while (true)
        {
            if (_start == _end && !await FillAsync(cancellation)) throw new EndOfStreamException();
            char character = (char)_buffer[_start++];
            if (character == '\n') return line.ToString().TrimEnd('\r');
            line.Append(character);
        }
    }

    private async Task<bool> FillAsync(CancellationToken cancellation)
    {
        _start = 0;
        _end = await stream.ReadAsync(_buffer, cancellation);
        return _end > 0;
    }
}
