// What a plugin may write into a message.

using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Tests.Streams;

public sealed class HeaderRulesTests
{
    [Theory]
    [InlineData("x-ok", "anything, really; \t\u00e9")]
    [InlineData("x!#$%&'*+-.^_`|~1", "")]
    [InlineData(":path", "/p?q")]
    [InlineData(":path", "*")]
    [InlineData(":authority", "host:80")]
    [InlineData(":method", "PATCH")]
    [InlineData(":scheme", "https")]
    public void RequestHeader_ThatIsWellFormed_IsAllowed(string name, string value) =>
        Assert.True(HeaderRules.IsAllowed(HeaderMapKind.RequestHeaders, Headers.Bytes(name), Headers.Bytes(value)));

    [Theory]
    [InlineData("", "empty name")]
    [InlineData("a b", "space")]
    [InlineData("a:", "colon")]
    [InlineData("a\r\nb", "line break")]
    [InlineData("a\0", "nul")]
    [InlineData("\u00e9", "not ASCII")]
    [InlineData("x", "a\rb")]
    [InlineData("x", "a\nb")]
    [InlineData("x", "a\0b")]
    [InlineData("x", "a\u007fb")]
    [InlineData("x", "a\u0001b")]
    [InlineData(":path", "")]
    [InlineData(":path", "no-slash")]
    [InlineData(":path", "/a b")]
    [InlineData(":path", "/a\r\nHost: x")]
    [InlineData(":method", "G ET")]
    [InlineData(":method", "")]
    [InlineData(":scheme", "ftp")]
    [InlineData(":authority", "")]
    [InlineData(":status", "200")]
    [InlineData(":unknown", "x")]
    public void RequestHeader_ThatIsNot_IsRefused(string name, string value) =>
        Assert.False(HeaderRules.IsAllowed(HeaderMapKind.RequestHeaders, Headers.Bytes(name), Headers.Bytes(value)));

    [Theory]
    [InlineData("200", true)]
    [InlineData("599", true)]
    [InlineData("100", false)]
    [InlineData("600", false)]
    [InlineData("20", false)]
    [InlineData("2000", false)]
    [InlineData("2x0", false)]
    public void Status_IsAFinalOne(string value, bool isAllowed) =>
        Assert.Equal(isAllowed, HeaderRules.IsAllowed(HeaderMapKind.ResponseHeaders, ":status"u8, Headers.Bytes(value)));

    [Fact]
    public void Trailers_HaveNoPseudoHeaders()
    {
        Assert.False(HeaderRules.IsAllowed(HeaderMapKind.RequestTrailers, ":path"u8, "/"u8));
        Assert.False(HeaderRules.IsAllowed(HeaderMapKind.ResponseTrailers, ":status"u8, "200"u8));
    }
}
