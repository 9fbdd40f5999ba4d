// The filter headers: remove, set, add and default, in both directions.

using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests.Filters;

public sealed class HeadersFilterTests
{
    [Fact]
    public async Task Edits_AreMadeInTheirOrder_OnBothMessages()
    {
        await using var upstream = WireUpstream.Answering(fields: "x-there: up\r\nvia: up\r\nserver: secret\r\n");
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, """
            [ { headers: {
              request: { remove: [x-gone], set: { x-one: "1" }, add: { x-many: gateway }, default: { x-there: gateway, x-absent: gateway } },
              response: { remove: [Server], add: { via: gateway }, default: { x-there: gateway, x-absent: gateway } } } } ]
            """.ReplaceLineEndings(" "));
        var answer = await gateway.GetAsync("/", "x-gone: a\r\nX-Gone: b\r\nx-one: 2\r\nx-one: 3\r\nx-many: client\r\nx-there: client\r\n");
        var received = Assert.Single(upstream.Received);
        Assert.False(received.Has("x-gone"));
        Assert.Equal("1", received["x-one"]);
        Assert.Equal("client, gateway", string.Join(", ", received.Fields.Where(field => field.Name.Equals("x-many", StringComparison.OrdinalIgnoreCase)).Select(field => field.Value)));
        Assert.Equal("client gateway", received["x-there"] + " " + received["x-absent"]);
        Assert.False(answer.Has("server"));
        Assert.Equal("up gateway", answer["x-there"] + " " + answer["x-absent"]);
        Assert.Equal("up, gateway", string.Join(", ", answer.Fields.Where(field => field.Name.Equals("via", StringComparison.OrdinalIgnoreCase)).Select(field => field.Value)));
    }
}
