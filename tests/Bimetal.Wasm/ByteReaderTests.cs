// LEB128 at its edges, and readers that stay where they are after a fault.

using Bimetal.Wasm.Decoding;

namespace Bimetal.Wasm.Tests;

public sealed class ByteReaderTests
{
    [Theory]
    [InlineData("00", 0u)]
    [InlineData("7F", 127u)]
    [InlineData("8001", 128u)]
    [InlineData("FFFFFFFF0F", uint.MaxValue)]
    [InlineData("8080808000", 0u)]
    public void ReadUInt32_Valid_IsRead(string hex, uint expected)
    {
        var reader = ReaderOf(hex);
        Assert.Equal(expected, reader.ReadUInt32());
        Assert.Null(reader.Error);
        Assert.True(reader.IsAtEnd);
    }

    [Theory]
    [InlineData("808080808000", "integer representation too long")]
    [InlineData("FFFFFFFF1F", "integer too large")]
    [InlineData("FFFFFFFF", "unexpected end")]
    [InlineData("", "unexpected end")]
    public void ReadUInt32_Malformed_Fails(string hex, string message)
    {
        var reader = ReaderOf(hex);
        Assert.Equal(0u, reader.ReadUInt32());
        Assert.StartsWith(message, reader.Error?.Message);
    }

    [Theory]
    [InlineData("7F", -1)]
    [InlineData("FFFFFFFF7F", -1)]
    [InlineData("8080808078", int.MinValue)]
    [InlineData("FFFFFFFF07", int.MaxValue)]
    [InlineData("40", -64)]
    public void ReadInt32_Valid_IsSignExtended(string hex, int expected)
    {
        var reader = ReaderOf(hex);
        Assert.Equal(expected, reader.ReadInt32());
        Assert.Null(reader.Error);
    }

    [Theory]
    [InlineData("8080808070", "integer too large")]
    [InlineData("FFFFFFFF0F", "integer too large")]
    [InlineData("FFFFFFFFFF7F", "integer representation too long")]
    [InlineData("808080808000", "integer representation too long")]
    public void ReadInt32_Malformed_Fails(string hex, string message)
    {
        var reader = ReaderOf(hex);
        Assert.Equal(0, reader.ReadInt32());
        Assert.StartsWith(message, reader.Error?.Message);
    }

    [Theory]
    [InlineData("8080808080808080807F", long.MinValue)]
    [InlineData("FFFFFFFFFFFFFFFFFF00", long.MaxValue)]
    [InlineData("FFFFFFFFFFFFFFFFFF7F", -1L)]
    public void ReadInt64_Valid_IsRead(string hex, long expected)
    {
        var reader = ReaderOf(hex);
        Assert.Equal(expected, reader.ReadInt64());
        Assert.Null(reader.Error);
    }

    [Theory]
    [InlineData("8080808080808080807E")]
    [InlineData("FFFFFFFFFFFFFFFFFF01")]
    public void ReadInt64_ExcessBits_Fails(string hex)
    {
        var reader = ReaderOf(hex);
        _ = reader.ReadInt64();
        Assert.Equal("integer too large", reader.Error?.Message);
    }

    [Fact]
    public void Read_AfterAFault_KeepsTheFirstFault()
    {
        var reader = ReaderOf("FF");
        _ = reader.ReadUInt32();
        var first = reader.Error;
        Assert.Equal(0, reader.ReadByte());
        Assert.Equal(0ul, reader.ReadFixed64());
        Assert.Equal("", reader.ReadName());
        Assert.Same(first, reader.Error);
    }

    [Theory]
    [InlineData("03616263", "abc")]
    [InlineData("03EFBBBF", "\uFEFF")]
    [InlineData("00", "")]
    public void ReadName_Utf8_IsKept(string hex, string expected)
    {
        var reader = ReaderOf(hex);
        Assert.Equal(expected, reader.ReadName());
        Assert.Null(reader.Error);
    }

    [Theory]
    [InlineData("02C080")]
    [InlineData("03EDA080")]
    [InlineData("04F4908080")]
    [InlineData("01FF")]
    public void ReadName_OtherThanUtf8_Fails(string hex)
    {
        var reader = ReaderOf(hex);
        _ = reader.ReadName();
        Assert.Equal("malformed UTF-8 encoding", reader.Error?.Message);
    }

    private static ByteReader ReaderOf(string hex)
    {
        byte[] bytes = Convert.FromHexString(hex);
        return new ByteReader(bytes, 0, bytes.Length);
    }
}
