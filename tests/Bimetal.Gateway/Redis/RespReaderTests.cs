// The parser of a Redis server's replies: its forms, in any pieces, and replies that want to harm.

using System.Buffers;
using System.Text;
using Bimetal.Gateway.Redis;

namespace Bimetal.Gateway.Tests.Redis;

public sealed class RespReaderTests
{
    [Theory]
    [InlineData("+OK\r\n", "+OK")]
    [InlineData("-ERR no\r\n", "-ERR no")]
    [InlineData(":-12\r\n", ":-12")]
    [InlineData("$5\r\na\r\nbc\r\n", "$a\r\nbc")]
    [InlineData("$0\r\n\r\n", "$")]
    [InlineData("$-1\r\n", "$null")]
    [InlineData("*2\r\n:1\r\n*1\r\n$1\r\nx\r\n", "[:1,[$x]]")]
    [InlineData("*-1\r\n", "[null]")]
    [InlineData("*0\r\n", "[]")]
    public void Replies_InAnyPieces_AreRead(string text, string expected)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        for (int length = 0; length < bytes.Length; length++)
        {
            var part = new ReadOnlySequence<byte>(bytes, 0, length);
            Assert.Equal(RespResult.NeedsMore, RespReader.TryRead(ref part, out _));
            Assert.Equal(length, part.Length);
        }

        var whole = new ReadOnlySequence<byte>([.. bytes, (byte)'+']);
        Assert.Equal(RespResult.Done, RespReader.TryRead(ref whole, out var value));
        Assert.Equal(1, whole.Length);
        Assert.Equal(expected, Show(value!));
    }

    [Theory]
    [InlineData("$99999999999\r\n")]
    [InlineData("$65537\r\n")]
    [InlineData("$-2\r\n")]
    [InlineData("$1x\r\n")]
    [InlineData("$\r\n")]
    [InlineData("$1\r\nabc")]
    [InlineData("*65\r\n")]
    [InlineData("*99999999999999999999\r\n")]
    [InlineData("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n")]
    [InlineData(":1.5\r\n")]
    [InlineData(":+1\r\n")]
    [InlineData(":\r\n")]
    [InlineData("+OK\n")]
    [InlineData("+O\rK\r\n")]
    [InlineData("\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\n")]
    [InlineData("%1\r\n")]
    [InlineData("\0")]
    public void Replies_ThatBreakTheProtocol_AreRefused(string text)
    {
        var data = new ReadOnlySequence<byte>(Encoding.Latin1.GetBytes(text));
        Assert.Equal(RespResult.Broken, RespReader.TryRead(ref data, out _));
    }

    [Fact]
    public void EndlessLine_IsRefused()
    {
        var data = new ReadOnlySequence<byte>(Encoding.Latin1.GetBytes("+" + new string('x', RespReader.MaximumLineBytes + 1)));
        Assert.Equal(RespResult.Broken, RespReader.TryRead(ref data, out _));
    }

    [Fact]
    public void RandomBytes_NeverThrow()
    {
        var random = new Random(11);
        byte[] alphabet = Encoding.Latin1.GetBytes("+-:$*0123456789\r\n\r\nabc\0");
        for (int round = 0; round < 20_000; round++)
        {
            byte[] bytes = new byte[random.Next(40)];
            for (int index = 0; index < bytes.Length; index++) bytes[index] = alphabet[random.Next(alphabet.Length)];
            var data = new ReadOnlySequence<byte>(bytes);
            RespReader.TryRead(ref data, out _);
        }
    }

    [Fact]
    public void Commands_CannotBeEndedByTheirArguments() =>
        Assert.Equal("*2\r\n$3\r\nGET\r\n$8\r\na\r\n*1\r\nb\r\n", Encoding.Latin1.GetString(RespCommand.Of("GET", "a\r\n*1\r\nb")));

    private static string Show(RespValue value) => value.Kind switch
    {
        RespKind.Simple => "+" + value.Text,
        RespKind.Error => "-" + value.Text,
        RespKind.Integer => ":" + value.Integer,
        RespKind.Bulk => "$" + (value.Bytes is null ? "null" : value.Text),
        _ => "[" + (value.Items is null ? "null" : string.Join(',', value.Items.Select(Show))) + "]",
    };
}
