// Which endpoint a request goes to: shares, load, keys, and what happens when endpoints are out.

using System.Net;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Upstreams;

namespace Bimetal.Gateway.Tests.Upstreams;

public sealed class BalancerTests
{
    private static readonly PassiveHealthConfig EjectAtOnce = new() { Failures = 1 };

    [Fact]
    public void RoundRobin_GivesEachItsWeight_SpreadEvenly()
    {
        var set = Set(BalanceKind.RoundRobin, 3, 1, 2);
        var balancer = Balancer.Of(BalanceKind.RoundRobin);
        string turns = string.Concat(Enumerable.Range(0, 12).Select(_ => NameOf(set, balancer.Pick(set, null, All)!)));
        Assert.DoesNotContain("aaa", turns);
        Assert.Equal((6, 2, 4), (turns.Count(turn => turn == 'a'), turns.Count(turn => turn == 'b'), turns.Count(turn => turn == 'c')));
    }

    [Fact]
    public void RoundRobin_EndpointThatIsOut_IsReplacedByAllOthers()
    {
        var set = Set(BalanceKind.RoundRobin, 1, 1, 1, 1);
        set.Endpoints[1].State.NoteFailure(EjectAtOnce);
        var balancer = Balancer.Of(BalanceKind.RoundRobin);
        string turns = string.Concat(Enumerable.Range(0, 4000).Select(_ => NameOf(set, balancer.Pick(set, null, All)!)));
        Assert.DoesNotContain('b', turns);
        Assert.All("acd", name => Assert.InRange(turns.Count(turn => turn == name), 1200, 1500));
    }

    [Fact]
    public void LeastRequests_NeverTakesTheBusierOfTwo()
    {
        var set = Set(BalanceKind.LeastRequests, 1, 1);
        set.Endpoints[0].State.TryBegin(null);
        var balancer = Balancer.Of(BalanceKind.LeastRequests);
        Assert.All(Enumerable.Range(0, 200), _ => Assert.Equal('b', NameOf(set, balancer.Pick(set, null, All)!)));
    }

    [Fact]
    public void LeastRequests_WeighsTheLoad()
    {
        var set = Set(BalanceKind.LeastRequests, 4, 1);
        var balancer = Balancer.Of(BalanceKind.LeastRequests);
        for (int request = 0; request < 500; request++) balancer.Pick(set, null, All)!.TryBegin(null);
        Assert.InRange(set.Endpoints[0].State.Active, 380, 420);
    }

    [Fact]
    public void ConsistentHash_EndpointThatGoes_TakesOnlyItsOwnKeysAlong()
    {
        var whole = Set(BalanceKind.ConsistentHash, 1, 1, 1, 1, 1);
        var without = new EndpointSet([.. whole.Endpoints.Where(endpoint => NameOf(whole, endpoint.State) != 'c')], BalanceKind.ConsistentHash);
        int moved = 0;
        for (int number = 0; number < 10_000; number++)
        {
            ulong key = KeyHash.Of(System.Text.Encoding.ASCII.GetBytes("user-" + number));
            var before = whole.Ring.Find(key, All)!;
            var after = without.Ring.Find(key, All)!;
            if (before == after) continue;
            moved++;
            Assert.Equal('c', NameOf(whole, before));
        }

        Assert.InRange(moved, 1500, 2500);
    }

    [Fact]
    public void ConsistentHash_SharesFollowTheWeights()
    {
        var set = Set(BalanceKind.ConsistentHash, 1, 3);
        int first = Enumerable.Range(0, 10_000).Count(number => NameOf(set, set.Ring.Find(KeyHash.Mix((ulong)number), All)!) == 'a');
        Assert.InRange(first, 1900, 3100);
    }

    [Fact]
    public void ConsistentHash_WithoutAKey_TakesAny()
    {
        var set = Set(BalanceKind.ConsistentHash, 1, 1);
        var balancer = Balancer.Of(BalanceKind.ConsistentHash);
        Assert.Equal(2, Enumerable.Range(0, 200).Select(_ => balancer.Pick(set, null, All)).Distinct().Count());
    }

    [Theory]
    [InlineData(BalanceKind.RoundRobin)]
    [InlineData(BalanceKind.LeastRequests)]
    [InlineData(BalanceKind.ConsistentHash)]
    public void EveryPolicy_KeepsToTheFilter(BalanceKind kind)
    {
        var set = Set(kind, 1, 1, 1);
        var balancer = Balancer.Of(kind);
        set.Endpoints[0].State.NoteFailure(EjectAtOnce);
        set.Endpoints[1].State.TryBegin(null);
        var filter = All with { Connections = 1 };
        Assert.All(Enumerable.Range(0, 50), number => Assert.Equal('c', NameOf(set, balancer.Pick(set, KeyHash.Mix((ulong)number), filter)!)));
        Assert.Null(balancer.Pick(set, 7, filter with { Tried = [set.Endpoints[2].State] }));
        Assert.Equal('a', NameOf(set, balancer.Pick(set, 7, filter with { Tried = [set.Endpoints[2].State], IsPanic = true })!));
    }

    [Theory]
    [InlineData(0, 5, 0.2, false)]
    [InlineData(4, 5, 0.2, false)]
    [InlineData(4, 5, 0.5, true)]
    [InlineData(5, 5, 0.0, true)]
    [InlineData(1, 1, 0.2, true)]
    public void Panic_IsWhenTooFewAreLeft(int ejected, int of, double threshold, bool expected)
    {
        var set = Set(BalanceKind.RoundRobin, [.. Enumerable.Repeat(1, of)]);
        foreach (var (state, _) in set.Endpoints.Take(ejected)) state.NoteFailure(EjectAtOnce);
        Assert.Equal(expected, set.IsPanic(TimeProvider.System.GetTimestamp(), threshold));
    }

    private static EndpointFilter All => new(TimeProvider.System.GetTimestamp(), IsPanic: false, null, null);

    private static EndpointSet Set(BalanceKind kind, params int[] weights) => new([.. weights.Select((weight, index) => new WeightedEndpoint(
        new EndpointState(new UpstreamEndpoint(new Uri($"http://127.0.0.1:{9000 + index}"), new IPEndPoint(IPAddress.Loopback, 9000 + index)), TimeProvider.System), weight))], kind);

    private static char NameOf(EndpointSet set, EndpointState state) => (char)('a' + state.Endpoint.Socket.Port - 9000);
}
