// A win needs every session: no difference must not win, and a small one must.

using Bimetal.Meter.Statistics;

namespace Bimetal.Meter.Tests.Statistics;

public sealed class RepeatedSessionsTests
{
    private const int Sessions = 5;
    private const int Rounds = 10;

    [Fact]
    public void IsFirstAlwaysFaster_NoDifference_NeverWins()
    {
        const int Trials = 2000;
        var random = new Random(13);
        int wins = Enumerable.Range(0, Trials).Count(_ => RepeatedSessions.IsFirstAlwaysFaster(Run(random, second: 5, drift: 0)));
        // One session decides for the first in 2.5 % of cases, so five in 10^-8 of them.
        Assert.Equal(0, wins);
    }

    [Fact]
    public void IsFirstAlwaysFaster_ADifferenceOfTwoPercent_Wins()
    {
        var random = new Random(17);
        Assert.True(RepeatedSessions.IsFirstAlwaysFaster(Run(random, second: 5.1, drift: 0)));
    }

    [Fact]
    public void IsFirstAlwaysFaster_OneSessionTheOtherWay_DoesNotWin()
    {
        var random = new Random(19);
        Assert.False(RepeatedSessions.IsFirstAlwaysFaster([.. Run(random, second: 5.1, drift: 0), .. Run(random, second: 4.9, drift: 0)]));
    }

    [Fact]
    public void IsFirstAlwaysFaster_SessionsThatDifferAmongEachOther_StillWinsByPairs()
    {
        // Each session has a level of its own, as after loading anew; within it the second is slower by 2 %.
        var random = new Random(23);
        Assert.True(RepeatedSessions.IsFirstAlwaysFaster(Run(random, second: 5.1, drift: 3)));
    }

    [Fact]
    public void IsFirstAlwaysFaster_WithoutSessions_DoesNotWin() => Assert.False(RepeatedSessions.IsFirstAlwaysFaster([]));

    private static List<PairedComparison> Run(Random random, double second, double drift)
    {
        var sessions = new List<PairedComparison>();
        for (int session = 0; session < Sessions; session++)
        {
            double level = 1 + (drift * random.NextDouble());
            List<double> Series(double value) => [.. Enumerable.Range(0, Rounds).Select(_ => level * (value + (0.03 * (random.NextDouble() - 0.5))))];
            sessions.Add(PairedComparison.Of(Series(5), Series(second)));
        }

        return sessions;
    }
}
