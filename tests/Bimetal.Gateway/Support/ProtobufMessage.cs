// A protobuf message read from its bytes by field numbers, without a schema: what a test wants to know of an OTLP export.

using System.Buffers.Binary;
using System.Text;

namespace Bimetal.Gateway.Tests.Support;

internal sealed class ProtobufMessage
{
    private readonly List<(int Number, ulong Scalar, ReadOnlyMemory<byte> Bytes)> _fields = [];

    public ProtobufMessage(ReadOnlyMemory<byte> bytes)
    {
        int at = 0;
        while (at < bytes.Length)
        {
            ulong tag = Varint(bytes.Span, ref at);
            int number = (int)(tag >> 3);
            Assert.InRange(number, 1, 1000);
            switch (tag & 7)
            {
                case 0:
                    _fields.Add((number, Varint(bytes.Span, ref at), default));
                    break;
                case 1:
                    _fields.Add((number, BinaryPrimitives.ReadUInt64LittleEndian(bytes.Span[at..]), default));
                    at += 8;
                    break;
                case 2:
                    int length = checked((int)Varint(bytes.Span, ref at));
                    _fields.Add((number, 0, bytes.Slice(at, length)));
                    at += length;
                    break;
                case 5:
                    _fields.Add((number, BinaryPrimitives.ReadUInt32LittleEndian(bytes.Span[at..]), default));
                    at += 4;
                    break;
                default:
                    throw new FormatException($"wire type {tag & 7} of field {number}");
            }
        }

        Assert.Equal(bytes.Length, at);
    }

    public ulong Number(int field) => _fields.LastOrDefault(one => one.Number == field).Scalar;

    public double Double(int field) => BitConverter.UInt64BitsToDouble(Number(field));

    public string Text(int field) => Encoding.UTF8.GetString(Bytes(field).Span);

    public string Hex(int field) => Convert.ToHexStringLower(Bytes(field).Span);

    public ReadOnlyMemory<byte> Bytes(int field) => _fields.LastOrDefault(one => one.Number == field).Bytes;

    public ProtobufMessage Message(int field) => new(Bytes(field));

    public IEnumerable<ProtobufMessage> Messages(int field) => _fields.Where(one => one.Number == field).Select(one => new ProtobufMessage(one.Bytes));

    /// <summary>A packed list of 64-bit numbers.</summary>
    public IReadOnlyList<ulong> Fixed64s(int field)
    {
        var bytes = Bytes(field).Span;
        ulong[] numbers = new ulong[bytes.Length / 8];
        for (int index = 0; index < numbers.Length; index++) numbers[index] = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(8 * index)..]);
        return numbers;
    }

    /// <summary>OTLP's KeyValue list: texts as they are, whole numbers as text.</summary>
    public IReadOnlyDictionary<string, string> Attributes(int field) => Messages(field).ToDictionary(pair => pair.Text(1), pair =>
    {
        var value = pair.Message(2);
        return value.Bytes(1).IsEmpty ? value.Number(3).ToString() : value.Text(1);
    });

    private static ulong Varint(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte part = bytes[at++];
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80) return value;
        }

        throw new FormatException("a number without an end");
    }
}
