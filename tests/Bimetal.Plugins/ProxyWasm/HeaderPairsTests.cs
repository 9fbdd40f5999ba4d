// The serialised form of header maps, and hostile versions of it.

using System.Buffers.Binary;
using Bimetal.Plugins.ProxyWasm;
using Bimetal.Plugins.Streams;
using Bimetal.Plugins.Tests.Streams;

namespace Bimetal.Plugins.Tests.ProxyWasm;

public sealed class HeaderPairsTests
{
    // { "a": "1" }, { "b": "22" }, as the specification's example spells it.
    private static readonly byte[] s_example =
        [2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, (byte)'a', 0, (byte)'1', 0, (byte)'b', 0, (byte)'2', (byte)'2', 0];

    [Fact]
    public void Write_IsTheSpecificationsLayout()
    {
        var map = new HeaderMap();
        Headers.Fill(map, ("a", "1"), ("b", "22"));
        byte[] bytes = new byte[HeaderPairs.SizeOf(map)];
        HeaderPairs.Write(map, bytes);
        Assert.Equal(s_example, bytes);
    }

    [Fact]
    public void Read_UndoesWrite()
    {
        var map = new HeaderMap();
        Assert.True(HeaderPairs.TryRead(s_example, map));
        Assert.Equal(["a=1", "b=22"], map.Lines());
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 0 })]
    [InlineData(new byte[] { 0, 0, 0, 0 })]
    public void Read_AnEmptyMap_HasThreeSpellings(byte[] bytes)
    {
        var map = new HeaderMap();
        Assert.True(HeaderPairs.TryRead(bytes, map));
        Assert.Equal(0, map.Count);
    }

    [Fact]
    public void Read_EveryTruncation_IsRefused()
    {
        // Of the example's prefixes only the empty one is a map.
        for (int length = 1; length < s_example.Length; length++) Assert.False(HeaderPairs.TryRead(s_example.AsSpan(0, length), new HeaderMap()), $"{length} bytes");
    }

    [Fact]
    public void Read_TrailingBytes_AreRefused() => Assert.False(HeaderPairs.TryRead([.. s_example, 0], new HeaderMap()));

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(12)]
    [InlineData(16)]
    public void Read_HugeNumbers_AreRefused(int position)
    {
        foreach (uint number in new uint[] { uint.MaxValue, int.MaxValue, 0x8000_0000u, 0x4000_0000u, 513u })
        {
            byte[] bytes = [.. s_example];
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(position), number);
            Assert.False(HeaderPairs.TryRead(bytes, new HeaderMap()), $"{number} at {position}");
        }
    }

    [Fact]
    public void Read_MissingTerminator_IsRefused()
    {
        byte[] bytes = [.. s_example];
        bytes[21] = 1;
        Assert.False(HeaderPairs.TryRead(bytes, new HeaderMap()));
    }

    [Fact]
    public void Read_RandomBytes_NeverThrows()
    {
        var random = new Random(17);
        for (int round = 0; round < 5000; round++)
        {
            byte[] bytes = [.. s_example];
            for (int change = 0; change < 3; change++) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var map = new HeaderMap();
            if (HeaderPairs.TryRead(bytes, map)) Assert.True(map.TotalBytes <= bytes.Length);
        }
    }
}
