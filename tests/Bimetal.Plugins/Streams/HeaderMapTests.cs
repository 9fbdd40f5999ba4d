// The header map that both metals change.

using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Tests.Streams;

public sealed class HeaderMapTests
{
    [Fact]
    public void TryGet_ComparesNamesWithoutCase()
    {
        var map = new HeaderMap();
        Headers.Fill(map, ("x-a", "1"), ("x-b", "2"));
        Assert.Equal("2", map.Value("X-B"));
        Assert.Null(map.Value("x-c"));
    }

    [Fact]
    public void Set_ReplacesTheFirstAndRemovesTheOthers()
    {
        var map = new HeaderMap();
        Headers.Fill(map, ("a", "1"), ("b", "2"), ("a", "3"), ("A", "4"));
        map.SetCopy("a"u8, "new"u8);
        Assert.Equal(["a=new", "b=2"], map.Lines());
        Assert.Equal(6, map.TotalBytes);
    }

    [Fact]
    public void Remove_TakesEveryOccurrence()
    {
        var map = new HeaderMap();
        Headers.Fill(map, ("a", "1"), ("b", "2"), ("a", "3"));
        Assert.True(map.Remove("a"u8));
        Assert.False(map.Remove("a"u8));
        Assert.Equal(["b=2"], map.Lines());
        Assert.Equal(2, map.TotalBytes);
    }

    [Fact]
    public void Own_KeepsTheFields_AfterTheirBufferChanges()
    {
        byte[] buffer = "name-value"u8.ToArray();
        var map = new HeaderMap();
        map.Add(buffer.AsMemory(0, 4), buffer.AsMemory(5));
        map.AddCopy("other"u8, ""u8);
        map.Own();
        buffer.AsSpan().Fill((byte)'!');
        Assert.Equal(["name=value", "other="], map.Lines());
        Assert.Equal(14, map.TotalBytes);
    }

    [Fact]
    public void CopiesOfAllLengths_StandBesideEachOther()
    {
        var map = new HeaderMap();
        for (int length = 0; length < 300; length++) map.AddCopy("n"u8, Enumerable.Repeat((byte)('a' + (length % 26)), length).ToArray());
        for (int length = 0; length < 300; length++) Assert.Equal(new string((char)('a' + (length % 26)), length), System.Text.Encoding.ASCII.GetString(map[length].Value.Span));
    }

    [Fact]
    public void AddCopy_KeepsBytesAfterTheSourceChanges()
    {
        var map = new HeaderMap();
        byte[] value = Headers.Bytes("before");
        map.AddCopy("X-Copied"u8, value);
        value.AsSpan().Fill((byte)'!');
        Assert.Equal(["x-copied=before"], map.Lines());
    }

    [Fact]
    public void AddCopy_KeepsManyAndLargeFields()
    {
        var map = new HeaderMap();
        for (int index = 0; index < 300; index++) map.AddCopy(Headers.Bytes($"x-{index}"), Headers.Bytes(new string((char)('a' + (index % 26)), index * 7)));
        for (int index = 0; index < 300; index++) Assert.Equal(new string((char)('a' + (index % 26)), index * 7), map.Value($"x-{index}"));
    }

    [Fact]
    public void Version_RisesWithChangesOnly()
    {
        var map = new HeaderMap();
        Headers.Fill(map, ("a", "1"));
        int version = map.Version;
        map.Remove("b"u8);
        Assert.Equal(version, map.Version);
        map.SetCopy("a"u8, "2"u8);
        Assert.NotEqual(version, map.Version);
    }
}
