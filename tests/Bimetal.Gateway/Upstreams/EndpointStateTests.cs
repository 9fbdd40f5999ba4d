// When an endpoint is taken out and when it comes back, with a clock that the test moves.

using System.Net;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Upstreams;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests.Upstreams;

public sealed class EndpointStateTests
{
    private static readonly PassiveHealthConfig Passive = new() { Failures = 3, Eject = TimeSpan.FromSeconds(10), MaximumEject = TimeSpan.FromSeconds(35) };
    private static readonly ActiveHealthConfig Active = new() { Path = "/", Healthy = 2, Unhealthy = 3 };

    private readonly VirtualTime _time = new(DateTimeOffset.UnixEpoch.AddYears(50));
    private readonly EndpointState _state;

    public EndpointStateTests() => _state = new EndpointState(new UpstreamEndpoint(new Uri("http://127.0.0.1:1"), new IPEndPoint(IPAddress.Loopback, 1)), _time);

    [Fact]
    public void FailuresInARow_Eject_AndTheTimeBringsItBack()
    {
        Assert.Equal([HealthChange.None, HealthChange.None, HealthChange.Ejected], Fail(3));
        Assert.False(IsAvailable);
        _time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.False(IsAvailable);
        _time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.True(IsAvailable);
        Assert.Equal((3, 1), (_state.Failures, _state.Ejections));
    }

    [Fact]
    public void ASuccessBetween_StartsTheCountAnew()
    {
        Fail(2);
        _state.NoteSuccess();
        Assert.All(Fail(2), change => Assert.Equal(HealthChange.None, change));
    }

    [Fact]
    public void FurtherEjections_LastLonger_UpToTheMaximum_AndOneFailureIsEnough()
    {
        Fail(3);
        double[] lengths = [.. Enumerable.Range(0, 3).Select(_ =>
        {
            _time.Advance(_state.EjectedFor);
            Assert.Equal(HealthChange.Ejected, Fail(1).Single());
            return _state.EjectedFor.TotalSeconds;
        })];
        Assert.Equal([20, 35, 35], lengths);
    }

    [Fact]
    public void DoingWellForAsLong_MakesTheNextEjectionShortAgain()
    {
        Fail(3);
        _time.Advance(_state.EjectedFor);
        _state.NoteSuccess();
        Fail(3);
        Assert.Equal(20, _state.EjectedFor.TotalSeconds);
        _time.Advance(TimeSpan.FromSeconds(41));
        _state.NoteSuccess();
        Fail(3);
        Assert.Equal(10, _state.EjectedFor.TotalSeconds);
    }

    [Fact]
    public void Checks_TurnAtTheirThresholds_AndEndAnEjection()
    {
        Assert.Equal([HealthChange.None, HealthChange.None, HealthChange.TurnedUnhealthy, HealthChange.None], Check(false, 4));
        Assert.False(IsAvailable);
        Fail(3);
        Assert.Equal([HealthChange.None], Check(true, 1));
        Check(false, 1);
        Assert.Equal([HealthChange.None, HealthChange.TurnedHealthy], Check(true, 2));
        Assert.True(IsAvailable);
    }

    [Fact]
    public void Begin_StopsAtTheLimit()
    {
        Assert.True(_state.TryBegin(2) && _state.TryBegin(2));
        Assert.False(_state.TryBegin(2));
        _state.End();
        Assert.True(_state.TryBegin(2));
        Assert.Equal((2, 3), (_state.Active, _state.Requests));
    }

    [Fact]
    public void Budget_IsAShareOfTheLastTenSeconds_PlusAMinimum()
    {
        var budget = new RetryBudget(_time);
        var config = new RetryBudgetConfig(Share: 0.2, MinimumPerSecond: 1);
        Assert.Equal(10, Take());
        for (int request = 0; request < 100; request++) budget.NoteRequest();
        Assert.Equal(20, Take());
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(0, Take());
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(10, Take());
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(10, Take());

        int Take()
        {
            int taken = 0;
            while (taken < 1000 && budget.TryTake(config)) taken++;
            return taken;
        }
    }

    private bool IsAvailable => _state.IsAvailable(_time.GetTimestamp());

    private HealthChange[] Fail(int times) => [.. Enumerable.Range(0, times).Select(_ => _state.NoteFailure(Passive))];

    private HealthChange[] Check(bool succeeded, int times) => [.. Enumerable.Range(0, times).Select(_ => _state.NoteCheck(Active, succeeded, ""))];
}
