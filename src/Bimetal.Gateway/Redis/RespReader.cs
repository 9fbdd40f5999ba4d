// Reads RESP2 replies from bytes as they come. The server is not trusted: every length has a limit, and what breaks the protocol ends the connection.

using System.Buffers;
using System.Buffers.Text;

namespace Bimetal.Gateway.Redis;

internal enum RespResult
{
    Done,

    /// <summary>The reply is not there as a whole.</summary>
    NeedsMore,

    /// <summary>These bytes are no reply, or one that is too large.</summary>
    Broken,
}

internal static class RespReader
{
    /// <summary>Longest line: errors and simple strings.</summary>
    public const int MaximumLineBytes = 4096;

    public const int MaximumBulkBytes = 64 << 10;

    public const int MaximumItems = 64;

    private const int MaximumDepth = 4;

    /// <summary>Takes one reply off the front of <paramref name="data"/>, which stays as it was unless that is done.</summary>
    public static RespResult TryRead(ref ReadOnlySequence<byte> data, out RespValue? value)
    {
        var reader = new SequenceReader<byte>(data);
        var result = Read(ref reader, MaximumDepth, out value);
        if (result == RespResult.Done) data = data.Slice(reader.Position);
        return result;
    }

    private static RespResult Read(ref SequenceReader<byte> reader, int depth, out RespValue? value)
    {
        value = null;
        if (depth == 0) return RespResult.Broken;
        if (!reader.TryRead(out byte kind)) return RespResult.NeedsMore;
        if (kind is not ((byte)'+' or (byte)'-' or (byte)':' or (byte)'$' or (byte)'*')) return RespResult.Broken;
        var result = ReadLine(ref reader, out byte[] line);
        if (result != RespResult.Done) return result;
        switch (kind)
        {
            case (byte)'+':
            case (byte)'-':
                value = new RespValue(kind == '+' ? RespKind.Simple : RespKind.Error, Bytes: line);
                return RespResult.Done;
            case (byte)':':
                if (!TryNumber(line, out long number)) return RespResult.Broken;
                value = new RespValue(RespKind.Integer, number);
                return RespResult.Done;
            case (byte)'$':
                return ReadBulk(ref reader, line, out value);
            default:
                return ReadArray(ref reader, line, depth, out value);
        }
    }

    private static RespResult ReadBulk(ref SequenceReader<byte> reader, byte[] line, out RespValue? value)
    {
        value = null;
        if (!TryNumber(line, out long length) || length is < -1 or > MaximumBulkBytes) return RespResult.Broken;
        if (length == -1)
        {
            value = new RespValue(RespKind.Bulk);
            return RespResult.Done;
        }

        if (reader.Remaining < length + 2) return RespResult.NeedsMore;
        byte[] bytes = new byte[length];
        reader.TryCopyTo(bytes);
        reader.Advance(length);
        if (!reader.IsNext("\r\n"u8, advancePast: true)) return RespResult.Broken;
        value = new RespValue(RespKind.Bulk, Bytes: bytes);
        return RespResult.Done;
    }

    private static RespResult ReadArray(ref SequenceReader<byte> reader, byte[] line, int depth, out RespValue? value)
    {
        value = null;
        if (!TryNumber(line, out long count) || count is < -1 or > MaximumItems) return RespResult.Broken;
        var items = new List<RespValue>();
        for (long index = 0; index < count; index++)
        {
            var result = Read(ref reader, depth - 1, out var item);
            if (result != RespResult.Done) return result;
            items.Add(item!);
        }

        value = new RespValue(RespKind.Array, Items: count < 0 ? null : items);
        return RespResult.Done;
    }

    private static RespResult ReadLine(ref SequenceReader<byte> reader, out byte[] line)
    {
        line = [];
        if (!reader.TryReadTo(out ReadOnlySequence<byte> found, (byte)'\n')) return reader.Remaining > MaximumLineBytes ? RespResult.Broken : RespResult.NeedsMore;
        if (found.Length > MaximumLineBytes) return RespResult.Broken;
        line = found.ToArray();
        if (line is not [.., (byte)'\r']) return RespResult.Broken;
        line = line[..^1];
        return line.AsSpan().Contains((byte)'\r') ? RespResult.Broken : RespResult.Done;
    }

    private static bool TryNumber(byte[] line, out long number) => Utf8Parser.TryParse(line, out number, out int used) && used == line.Length && line[0] != '+';
}
