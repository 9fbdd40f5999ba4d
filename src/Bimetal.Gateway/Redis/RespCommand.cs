// Writes commands for a Redis server: arrays of byte strings, so that no argument can end early.

using System.Buffers;
using System.Text;

namespace Bimetal.Gateway.Redis;

internal static class RespCommand
{
    public static byte[] Of(params ReadOnlySpan<ReadOnlyMemory<byte>> arguments)
    {
        var command = new ArrayBufferWriter<byte>(128);
        WriteHead(command, '*', arguments.Length);
        foreach (var argument in arguments)
        {
            WriteHead(command, '$', argument.Length);
            command.Write(argument.Span);
            command.Write("\r\n"u8);
        }

        return command.WrittenSpan.ToArray();
    }

    public static byte[] Of(params ReadOnlySpan<string> arguments)
    {
        var bytes = new ReadOnlyMemory<byte>[arguments.Length];
        for (int index = 0; index < arguments.Length; index++) bytes[index] = Encoding.UTF8.GetBytes(arguments[index]);
        return Of(bytes);
    }

    private static void WriteHead(ArrayBufferWriter<byte> command, char kind, int count)
    {
        var space = command.GetSpan(16);
        space[0] = (byte)kind;
        System.Buffers.Text.Utf8Formatter.TryFormat(count, space[1..], out int digits);
        "\r\n"u8.CopyTo(space[(1 + digits)..]);
        command.Advance(digits + 3);
    }
}
