// The filter request_id: one id for the upstream and the client, whatever both of them claim.

using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests.Filters;

public sealed class RequestIdFilterTests
{
    private const string Made = "^[0-9a-f]{32}$";

    [Theory]
    [InlineData(false, "x-request-id: mine\r\n", Made)]
    [InlineData(true, "x-request-id: mine\r\n", "^mine$")]
    [InlineData(true, "", Made)]
    [InlineData(true, "x-request-id:\r\n", Made)]
    [InlineData(true, "x-request-id: first\r\nX-Request-Id: second\r\n", "^first$")]
    [InlineData(false, "x-request-id: first\r\nX-Request-Id: second\r\n", Made)]
    public async Task BothSides_GetOneId_AndNoOther(bool keep, string sent, string expected)
    {
        await using var upstream = WireUpstream.Answering(fields: "x-request-id: upstream\r\nX-REQUEST-ID: again\r\n");
        await using var gateway = await StartAsync(upstream, keep);
        var answer = await gateway.GetAsync("/", sent);
        string received = Assert.Single(upstream.Received)["x-request-id"]!;
        Assert.Matches(expected, received);
        Assert.Equal(received, answer["x-request-id"]);
    }

    [Theory]
    [InlineData(128, true)]
    [InlineData(129, false)]
    [InlineData(10_000, false)]
    public async Task LongIds_AreNotKept(int length, bool isKept)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, keep: true);
        string sent = new('a', length);
        string received = (await gateway.GetAsync("/", $"x-request-id: {sent}\r\n"))["x-request-id"]!;
        if (isKept) Assert.Equal(sent, received);
        else Assert.Matches(Made, received);
    }

    [Fact]
    public async Task Ids_AreNeverTheSame()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, keep: false);
        using var client = await gateway.ConnectAsync();
        for (int round = 0; round < 200; round++) await client.GetAsync("/");
        Assert.Equal(200, upstream.Received.Select(request => request["x-request-id"]).Distinct().Count());
    }

    private static Task<TestGateway> StartAsync(WireUpstream upstream, bool keep) =>
        TestGateway.WithFiltersAsync(upstream, $"[ {{ request_id: {{ header: x-request-id, keep: {(keep ? "true" : "false")} }} }} ]");
}
