// The body buffer: replace, insert, append, limit.

using System.Text;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Tests.Streams;

public sealed class BodyBufferTests
{
    [Theory]
    [InlineData(0, 0, "X", "Xabcdef")]
    [InlineData(6, 0, "X", "abcdefX")]
    [InlineData(int.MaxValue, int.MaxValue, "X", "abcdefX")]
    [InlineData(0, int.MaxValue, "X", "X")]
    [InlineData(2, 2, "XYZ", "abXYZef")]
    [InlineData(2, 2, "", "abef")]
    [InlineData(0, 6, "", "")]
    [InlineData(1, 100, "longer than what was there", "alonger than what was there")]
    public void Replace_ReplacesARange(int start, int length, string replacement, string expected)
    {
        var buffer = new BodyBuffer(100);
        buffer.TryAppend("abcdef"u8);
        Assert.True(buffer.TryReplace(start, length, Headers.Bytes(replacement)));
        Assert.Equal(expected, Encoding.Latin1.GetString(buffer.Span));
    }

    [Fact]
    public void Replace_PastTheLimit_ChangesNothing()
    {
        var buffer = new BodyBuffer(8);
        buffer.TryAppend("abcdef"u8);
        Assert.False(buffer.TryReplace(0, 1, "1234"u8));
        Assert.Equal("abcdef", Encoding.Latin1.GetString(buffer.Span));
        Assert.True(buffer.TryReplace(0, 1, "123"u8));
        Assert.Equal("123bcdef", Encoding.Latin1.GetString(buffer.Span));
    }

    [Fact]
    public void Append_ManyChunks_KeepsThemInOrder()
    {
        var buffer = new BodyBuffer(1 << 16);
        for (int index = 0; index < 1000; index++) Assert.True(buffer.TryAppend([(byte)index]));
        Assert.Equal(Enumerable.Range(0, 1000).Select(index => (byte)index), buffer.Span.ToArray());
    }
}
