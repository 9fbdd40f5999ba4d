// Fields that a plugin writes again and again are judged and copied once; all others as if there were no such memory.

using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Tests.Streams;

public sealed class SettledFieldsTests
{
    private readonly SettledFields _fields = new();

    [Fact]
    public void Find_FromTheSecondTimeOn()
    {
        _fields.Note("x-stamp"u8, "bimetal"u8);
        Assert.Null(_fields.Find("x-stamp"u8, "bimetal"u8));
        _fields.Note("x-stamp"u8, "bimetal"u8);
        var found = _fields.Find("x-stamp"u8, "bimetal"u8)!;
        Assert.Equal("x-stamp"u8, found.Name.Span);
        Assert.Equal("bimetal"u8, found.Value.Span);
    }

    [Fact]
    public void Find_AnythingElse_FindsNothing()
    {
        for (int time = 0; time < 3; time++) _fields.Note("x-stamp"u8, "bimetal"u8);
        Assert.Null(_fields.Find("x-stamp"u8, "bimetal\r"u8));
        Assert.Null(_fields.Find("x-stamp"u8, "bimeta"u8));
        Assert.Null(_fields.Find("X-Stamp"u8, "bimetal"u8));
        Assert.Null(_fields.Find("x-stampb"u8, "imetal"u8));
        Assert.Null(_fields.Find(default, default));
    }

    [Fact]
    public void Note_ValuesThatAlternate_AreNotKept()
    {
        for (int time = 0; time < 10; time++) _fields.Note("x-id"u8, time % 2 == 0 ? "a"u8 : "b"u8);
        Assert.Null(_fields.Find("x-id"u8, "a"u8));
        Assert.Null(_fields.Find("x-id"u8, "b"u8));
    }

    [Fact]
    public void Note_ValuesThatDifferInTheMiddleAlone_AreNotKept()
    {
        for (int time = 0; time < 10; time++)
        {
            byte[] cookie = System.Text.Encoding.ASCII.GetBytes($"session={time:d12}; Path=/; HttpOnly");
            _fields.Note("set-cookie"u8, cookie);
            Assert.Null(_fields.Find("set-cookie"u8, cookie));
        }
    }

    [Fact]
    public void Note_PseudoAndLongAndUpperCase_AreNotKept()
    {
        byte[] large = new byte[SettledFields.MaximumBytes];
        for (int time = 0; time < 3; time++)
        {
            _fields.Note(":status"u8, "200"u8);
            _fields.Note("X-A"u8, "1"u8);
            _fields.Note("x"u8, large);
        }

        Assert.Null(_fields.Find(":status"u8, "200"u8));
        Assert.Null(_fields.Find("x-a"u8, "1"u8));
        Assert.Null(_fields.Find("x"u8, large));
    }
}
