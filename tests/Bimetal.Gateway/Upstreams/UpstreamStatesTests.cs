// What survives a reload, and how names of endpoints follow their addresses.

using System.Net;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Transport;
using Bimetal.Gateway.Upstreams;
using Bimetal.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bimetal.Gateway.Tests.Upstreams;

public sealed class UpstreamStatesTests
{
    private static readonly UpstreamConfig Two = new() { Name = "api", Endpoints = [new Uri("http://127.0.0.1:1"), new Uri("http://127.0.0.1:2")] };

    private readonly VirtualTime _time = new(DateTimeOffset.UnixEpoch.AddYears(50));
    private readonly List<FakeClient> _clients = [];

    [Fact]
    public void NextModel_KeepsHealthCountsAndConnections()
    {
        var states = States();
        var before = states.Take(Two);
        var busy = before.TryBegin(null, null)!;
        foreach (var (state, _) in before.Endpoints.Endpoints) state.NoteFailure(new PassiveHealthConfig { Failures = 1 });
        var after = states.Take(Two with { Balance = new(BalanceKind.LeastRequests), Endpoints = [new Uri("http://127.0.0.1:2"), new Uri("http://127.0.0.1:1"), new Uri("http://127.0.0.1:3")] });
        before.Dispose();
        Assert.Equal([2, 1, 3], after.Endpoints.Endpoints.Select(endpoint => endpoint.State.Endpoint.Socket.Port));
        Assert.Contains(after.Endpoints.Endpoints, endpoint => endpoint.State == busy);
        Assert.Equal(1, busy.Active);
        Assert.Equal(["ejected", "ejected", "healthy"], UpstreamReport.Of(after).Endpoints.Select(endpoint => endpoint.Health));
        Assert.False(Assert.Single(_clients).IsDisposed);
        after.Dispose();
        Assert.True(_clients[0].IsDisposed);
    }

    [Fact]
    public void AnotherConnectTimeout_MeansOtherConnections_AndTheOldOnesStayWhileTheyAreUsed()
    {
        var states = States();
        var before = states.Take(Two);
        var after = states.Take(Two with { Timeouts = new() { Connect = TimeSpan.FromSeconds(9) } });
        Assert.NotSame(before.Client, after.Client);
        Assert.False(_clients[0].IsDisposed);
        before.Dispose();
        Assert.Equal((true, false), (_clients[0].IsDisposed, _clients[1].IsDisposed));
        after.Dispose();
    }

    [Fact]
    public void AModelThatWasNeverPublished_LeavesTheLeadToTheOneBefore()
    {
        var states = States();
        using var before = states.Take(Two);
        var refused = states.Take(Two);
        Assert.Same(refused, before.State.Lead);
        refused.Dispose();
        Assert.Same(before, before.State.Lead);
    }

    [Fact]
    public void RouteStates_AreFoundAgainByWhatTheyMatch()
    {
        var states = States();
        var state = states.RouteStateOf("*/a");
        state.TryEnter(null);
        Assert.Same(state, states.RouteStateOf("*/a"));
        Assert.NotSame(state, states.RouteStateOf("*/b"));
        GC.KeepAlive(state);
    }

    [Fact]
    public async Task Names_FollowTheirAddresses_AndKeepTheOldOnesWhenLookupsFail()
    {
        IPAddress[]? answer = [IPAddress.Parse("10.0.0.1"), IPAddress.IPv6Loopback, IPAddress.Parse("10.0.0.2")];
        int lookups = 0;
        var states = States((_, _) =>
        {
            Interlocked.Increment(ref lookups);
            return answer is null ? Task.FromException<IPAddress[]>(new IOException("no server")) : Task.FromResult(answer);
        });
        using var upstream = states.Take(new UpstreamConfig { Name = "api", Endpoints = [new Uri("http://api.test:81")] });
        await upstream.FirstLookupAsync(TestContext.Current.CancellationToken);
        Assert.Equal(["10.0.0.1:81", "10.0.0.2:81"], Sockets(upstream));
        var kept = upstream.Endpoints.Endpoints[1].State;
        answer = [IPAddress.Parse("10.0.0.2"), IPAddress.Parse("10.0.0.3")];
        await AdvanceAsync();
        Assert.Equal(["10.0.0.2:81", "10.0.0.3:81"], Sockets(upstream));
        Assert.Same(kept, upstream.Endpoints.Endpoints[0].State);
        answer = null;
        await AdvanceAsync();
        Assert.Equal(["10.0.0.2:81", "10.0.0.3:81"], Sockets(upstream));
        answer = [];
        await AdvanceAsync();
        Assert.Equal(["10.0.0.2:81", "10.0.0.3:81"], Sockets(upstream));

        // The lookup is under way on another thread: the next one is waited for, and with it the end of the one before.
        async Task AdvanceAsync()
        {
            for (int before = lookups; lookups < before + 2; await Task.Delay(1)) _time.Advance(TimeSpan.FromSeconds(40));
        }
    }

    [Fact]
    public async Task NameWithoutAnAddress_HasNoEndpoint()
    {
        var states = States((_, _) => Task.FromException<IPAddress[]>(new IOException("unknown")));
        using var upstream = states.Take(new UpstreamConfig { Name = "api", Endpoints = [new Uri("http://api.test:81")] });
        await upstream.FirstLookupAsync(TestContext.Current.CancellationToken);
        Assert.Null(upstream.TryBegin(null, null));
    }

    private static IEnumerable<string> Sockets(Upstream upstream) => upstream.Endpoints.Endpoints.Select(endpoint => endpoint.State.Endpoint.Socket.ToString());

    private UpstreamStates States(NameLookup? lookup = null) => new(_time, NullLogger.Instance, _ =>
    {
        var client = new FakeClient();
        _clients.Add(client);
        return client;
    }, lookup: lookup);

    private sealed class FakeClient : UpstreamClient
    {
        public bool IsDisposed { get; private set; }

        public override LoopTask<UpstreamResponse> SendAsync(UpstreamRequest request, UpstreamEndpoint endpoint, CancellationToken cancellation) => throw new NotSupportedException();

        public override void Dispose() => IsDisposed = true;
    }
}
