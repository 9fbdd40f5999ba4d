// What a plugin may see, change and ask for at each point of an exchange.

using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Tests.Streams;

public sealed class StreamViewTests
{
    private const int BodyLimit = 64;

    private static StreamView View() => new(Headers.Request(), BodyLimit);

    [Fact]
    public void RequestHeaders_CanBeChanged_UntilTheyArePassedOn()
    {
        var view = View();
        view.Enter(StreamCallback.RequestHeaders, false);
        Assert.Equal(HostStatus.Ok, view.ReplaceHeader(HeaderMapKind.RequestHeaders, "x"u8, "1"u8));
        Assert.Equal(FilterAction.Continue, view.Leave(FilterAction.Continue));
        view.Enter(StreamCallback.RequestBody, true);
        Assert.Equal(HostStatus.BadArgument, view.ReplaceHeader(HeaderMapKind.RequestHeaders, "x"u8, "2"u8));
        Assert.NotNull(view.ReadableMap(HeaderMapKind.RequestHeaders));
    }

    [Fact]
    public void HeldHeaders_CanBeChangedFromTheBodyCallback()
    {
        var view = View();
        view.Enter(StreamCallback.ResponseHeaders, false);
        Assert.Equal(FilterAction.Pause, view.Leave(FilterAction.Pause));
        Assert.True(view.IsHeld(isRequest: false));
        view.ResponseBody.TryAppend("abc"u8);
        view.Enter(StreamCallback.ResponseBody, false);
        Assert.Equal(3, view.Body(isRequest: false)!.Length);
        Assert.Equal(HostStatus.Ok, view.ReplaceHeader(HeaderMapKind.ResponseHeaders, "x-seen"u8, "3"u8));
        Assert.Equal(FilterAction.Continue, view.Leave(FilterAction.Continue));
        Assert.False(view.IsHeld(isRequest: false));
        view.Enter(StreamCallback.ResponseBody, true);
        Assert.Equal(HostStatus.BadArgument, view.ReplaceHeader(HeaderMapKind.ResponseHeaders, "x-seen"u8, "4"u8));
    }

    [Fact]
    public void Body_IsOutOfReach_OutsideOfItsCallbacks()
    {
        var view = View();
        view.Enter(StreamCallback.RequestHeaders, false);
        Assert.Null(view.Body(isRequest: true));
        view.Leave(FilterAction.Continue);
        view.Enter(StreamCallback.RequestBody, false);
        Assert.NotNull(view.Body(isRequest: true));
        Assert.Null(view.Body(isRequest: false));
        view.Leave(FilterAction.Pause);
        Assert.Null(view.Body(isRequest: true));
        view.Enter(StreamCallback.RequestTrailers, true);
        Assert.NotNull(view.Body(isRequest: true));
    }

    [Fact]
    public void Continue_InsideTheCallback_OverridesItsPause()
    {
        var view = View();
        int told = 0;
        view.Waiter = new Told(_ => told++);
        view.Enter(StreamCallback.RequestHeaders, false);
        view.Continue(isRequest: true);
        Assert.Equal(FilterAction.Continue, view.Leave(FilterAction.Pause));
        Assert.Equal(0, told);
    }

    [Fact]
    public void Continue_OutsideOfIt_TellsTheGatewayOnce()
    {
        var view = View();
        var told = new List<bool>();
        view.Waiter = new Told(told.Add);
        view.Enter(StreamCallback.RequestHeaders, false);
        view.Leave(FilterAction.Pause);
        view.Continue(isRequest: true);
        view.Continue(isRequest: true);
        Assert.Equal([true], told);
        Assert.False(view.IsHeld(isRequest: true));
    }

    [Fact]
    public void LocalResponse_FirstOneWins()
    {
        var view = View();
        view.Enter(StreamCallback.RequestHeaders, false);
        Assert.Equal(HostStatus.Ok, view.SendLocalResponse(401, new HeaderMap(), "first"u8.ToArray(), -1));
        Assert.Equal(HostStatus.Ok, view.SendLocalResponse(200, new HeaderMap(), "second"u8.ToArray(), -1));
        Assert.Equal(FilterAction.Pause, view.Leave(FilterAction.Continue));
        Assert.Equal(401, view.LocalResponse!.Status);
    }

    [Theory]
    [InlineData(199)]
    [InlineData(600)]
    [InlineData(0)]
    public void LocalResponse_NeedsAFinalStatus(int status)
    {
        var view = View();
        view.Enter(StreamCallback.RequestHeaders, false);
        Assert.Equal(HostStatus.BadArgument, view.SendLocalResponse(status, new HeaderMap(), default, -1));
        Assert.Null(view.LocalResponse);
    }

    [Fact]
    public void LocalResponse_RefusesHeadersThatSplitTheMessage()
    {
        var view = View();
        view.Enter(StreamCallback.RequestHeaders, false);
        var headers = new HeaderMap();
        Headers.Fill(headers, ("x", "a\r\nset-cookie: b"));
        Assert.Equal(HostStatus.BadArgument, view.SendLocalResponse(200, headers, default, -1));
    }

    [Fact]
    public void LocalResponse_IsTooLate_OnceTheResponseIsPassedOn()
    {
        var view = View();
        view.Enter(StreamCallback.ResponseHeaders, false);
        view.Leave(FilterAction.Continue);
        view.Enter(StreamCallback.ResponseBody, true);
        Assert.Equal(HostStatus.BadArgument, view.SendLocalResponse(500, new HeaderMap(), default, -1));
    }

    [Fact]
    public void LocalResponse_ToAHeldStream_WakesIt()
    {
        var view = View();
        var told = new List<bool>();
        view.Waiter = new Told(told.Add);
        view.Enter(StreamCallback.RequestHeaders, false);
        view.Leave(FilterAction.Pause);
        Assert.Equal(HostStatus.Ok, view.SendLocalResponse(503, new HeaderMap(), default, -1));
        Assert.Equal([true], told);
    }

    [Fact]
    public void LocalResponse_BodyAboveTheLimit_IsRefused()
    {
        var view = View();
        view.Enter(StreamCallback.RequestHeaders, false);
        Assert.Equal(HostStatus.BadArgument, view.SendLocalResponse(200, new HeaderMap(), new byte[BodyLimit + 1], -1));
        Assert.Equal(HostStatus.Ok, view.SendLocalResponse(200, new HeaderMap(), new byte[BodyLimit], -1));
    }

    [Fact]
    public void PseudoHeaders_AreReplacedByAdd_AndNeverRemoved()
    {
        var view = View();
        view.Enter(StreamCallback.RequestHeaders, true);
        Assert.Equal(HostStatus.Ok, view.AddHeader(HeaderMapKind.RequestHeaders, ":path"u8, "/new"u8));
        Assert.Equal(HostStatus.BadArgument, view.RemoveHeader(HeaderMapKind.RequestHeaders, ":path"u8));
        Assert.Equal([":method=GET", ":path=/new", ":authority=example.test", ":scheme=http"], view.Stream.RequestHeaders.Lines());
    }

    [Fact]
    public void ReplaceAll_KeepsThePseudoHeadersThatAreLeftOut()
    {
        var view = View();
        view.Enter(StreamCallback.RequestHeaders, true);
        var fields = new HeaderMap();
        Headers.Fill(fields, ("x-1", "a"), (":path", "/other"), ("x-2", "b"));
        Assert.Equal(HostStatus.Ok, view.ReplaceAllHeaders(HeaderMapKind.RequestHeaders, fields));
        Assert.Equal([":method=GET", ":path=/other", ":authority=example.test", ":scheme=http", "x-1=a", "x-2=b"], view.Stream.RequestHeaders.Lines());
    }

    [Fact]
    public void ReplaceAll_WithOneBadField_ChangesNothing()
    {
        var view = View();
        view.Enter(StreamCallback.RequestHeaders, true);
        string[] before = view.Stream.RequestHeaders.Lines();
        var fields = new HeaderMap();
        Headers.Fill(fields, ("x-1", "a"), ("x-2", "b\n"));
        Assert.Equal(HostStatus.BadArgument, view.ReplaceAllHeaders(HeaderMapKind.RequestHeaders, fields));
        Assert.Equal(before, view.Stream.RequestHeaders.Lines());
    }

    [Fact]
    public void Add_StopsAtTheFieldLimit()
    {
        var view = View();
        view.Enter(StreamCallback.RequestHeaders, true);
        int added = 0;
        while (added < 2 * HeaderRules.MaximumFieldCount && view.AddHeader(HeaderMapKind.RequestHeaders, "x"u8, "y"u8) == HostStatus.Ok) added++;
        Assert.Equal(HeaderRules.MaximumFieldCount, view.Stream.RequestHeaders.Count);
    }

    [Fact]
    public void Add_StopsAtTheByteLimit()
    {
        var view = View();
        view.Enter(StreamCallback.RequestHeaders, true);
        Assert.Equal(HostStatus.BadArgument, view.AddHeader(HeaderMapKind.RequestHeaders, "x"u8, new byte[HeaderRules.MaximumTotalBytes].AsSpan()));
        byte[] large = new byte[HeaderRules.MaximumTotalBytes];
        large.AsSpan().Fill((byte)'a');
        Assert.Equal(HostStatus.BadArgument, view.AddHeader(HeaderMapKind.RequestHeaders, "x"u8, large));
    }

    [Fact]
    public void Trailers_CanBeAddedAtTheEndOfABodyWithoutAny()
    {
        var view = View();
        view.Enter(StreamCallback.ResponseHeaders, false);
        view.Leave(FilterAction.Continue);
        view.Enter(StreamCallback.ResponseBody, false);
        Assert.Equal(HostStatus.BadArgument, view.AddHeader(HeaderMapKind.ResponseTrailers, "t"u8, "1"u8));
        view.Leave(FilterAction.Continue);
        view.Enter(StreamCallback.ResponseBody, true);
        Assert.Equal(HostStatus.Ok, view.AddHeader(HeaderMapKind.ResponseTrailers, "t"u8, "1"u8));
    }

    [Fact]
    public void Log_ReadsEverythingAndChangesNothing()
    {
        var view = View();
        view.Enter(StreamCallback.Log, true);
        Assert.NotNull(view.ReadableMap(HeaderMapKind.RequestHeaders));
        Assert.NotNull(view.ReadableMap(HeaderMapKind.ResponseHeaders));
        Assert.Equal(HostStatus.BadArgument, view.AddHeader(HeaderMapKind.ResponseHeaders, "x"u8, "1"u8));
        Assert.Equal(HostStatus.BadArgument, view.SendLocalResponse(200, new HeaderMap(), default, -1));
    }

    [Fact]
    public void OtherStreams_SeeHeadersOnlyWhileTheyAreHeld()
    {
        var view = View();
        Assert.Null(view.ReadableMap(HeaderMapKind.RequestHeaders));
        view.Enter(StreamCallback.RequestHeaders, false);
        view.Leave(FilterAction.Pause);
        Assert.NotNull(view.ReadableMap(HeaderMapKind.RequestHeaders));
        Assert.Null(view.ReadableMap(HeaderMapKind.ResponseHeaders));
        Assert.Null(view.Body(isRequest: true));
    }

    [Fact]
    public void Properties_OfTheHost_CannotBeSet()
    {
        var view = View();
        view.Enter(StreamCallback.RequestHeaders, true);
        Assert.Equal(HostStatus.BadArgument, view.SetProperty("request\0path"u8, "/x"u8));
        Assert.Equal(HostStatus.BadArgument, view.SetProperty("plugin_name"u8, "x"u8));
        Assert.Equal(HostStatus.Ok, view.SetProperty("mine"u8, "x"u8));
    }

    [Fact]
    public void Properties_StopAtTheirLimits()
    {
        var view = View();
        view.Enter(StreamCallback.RequestHeaders, true);
        Assert.Equal(HostStatus.BadArgument, view.SetProperty("mine"u8, new byte[PropertyBag.MaximumTotalBytes]));
        for (int index = 0; index < PropertyBag.MaximumCount; index++) Assert.Equal(HostStatus.Ok, view.SetProperty(Headers.Bytes($"p{index}"), "x"u8));
        Assert.Equal(HostStatus.BadArgument, view.SetProperty("one-more"u8, "x"u8));
        Assert.Equal(HostStatus.Ok, view.SetProperty("p0"u8, "changed"u8));
    }

    // What a guest with a large memory can name: two lengths whose sum is no int. Nothing of the bytes is looked at.
    [Fact]
    public void LengthsWhoseSumIsNoInt_AreOverTheLimits()
    {
        var view = View();
        view.Enter(StreamCallback.RequestHeaders, true);
        byte[] large = GC.AllocateUninitializedArray<byte>(Array.MaxLength);
        large[0] = (byte)'a';
        Assert.Equal(HostStatus.BadArgument, view.AddHeader(HeaderMapKind.RequestHeaders, large, large));
        Assert.Equal(HostStatus.BadArgument, view.ReplaceHeader(HeaderMapKind.RequestHeaders, large, large));
        Assert.Equal(HostStatus.BadArgument, view.SetProperty(new byte[100], large));
        Assert.Equal(HostStatus.BadArgument, view.SetProperty("mine"u8, new byte[PropertyBag.MaximumTotalBytes]));
    }
}
