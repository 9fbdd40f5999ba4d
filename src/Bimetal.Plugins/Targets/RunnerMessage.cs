// One message to or from a runner; native/runner/wire.h has the protocol.

using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Bimetal.Plugins.Targets;

/// <summary>Writes a message.</summary>
internal sealed class RunnerMessage
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public RunnerMessage()
    {
    }

    public RunnerMessage(RunnerCommand command) => _bytes.Write([(byte)command]);

    public RunnerMessage Number(uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        _bytes.Write(bytes);
        return this;
    }

    public RunnerMessage Long(ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        _bytes.Write(bytes);
        return this;
    }

    public RunnerMessage Bytes(ReadOnlySpan<byte> value)
    {
        Number((uint)value.Length);
        _bytes.Write(value);
        return this;
    }

    public RunnerMessage Text(string value) => Bytes(Encoding.UTF8.GetBytes(value));

    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();
}

/// <summary>What a runner is told to do.</summary>
internal enum RunnerCommand : byte
{
    Configure = 1,
    Begin = 2,
    Call = 3,
    End = 4,
    Invoke = 5,
}

/// <summary>What a runner says.</summary>
internal enum RunnerAnswer : byte
{
    Done = 1,
    Trap = 2,
    Host = 3,
    Failed = 4,
}

/// <summary>What a runner asks for.</summary>
internal enum RunnerCall : uint
{
    HeaderGet = 1,
    HeaderSet,
    HeaderAdd,
    HeaderRemove,
    HeaderCount,
    HeaderAt,
    HeaderPairs,
    BodyGet,
    BodyReplace,
    Respond,
    RespondPairs,
    Continue,
    Property,
    Log,
    LogLevel,
    Clock,
    SharedGet,
    SharedSet,
    SetProperty,
    SetPairs,
    Reset,
    MetricDefine,
    MetricAdd,
    MetricRecord,
    MetricGet,
    QueueOpen,
    QueuePush,
    QueuePop,
}

/// <summary>Reads a message. One that is too short is a bug of the runner.</summary>
internal ref struct RunnerReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public byte Byte() => Take(1)[0];

    public uint Number() => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));

    public ulong Long() => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong)));

    public ReadOnlySpan<byte> Bytes() => Take((int)Number());

    private ReadOnlySpan<byte> Take(int length)
    {
        if ((uint)length > (uint)_rest.Length) throw new InvalidDataException("a message of the runner is too short");
        var taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }
}
