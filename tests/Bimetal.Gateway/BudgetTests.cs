// latency_budget while the gateway runs: counted, shown, and warned of when it is passed by more than chance.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Telemetry;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests;

public sealed class BudgetTests
{
    private static readonly TimeSpan Fast = TimeSpan.FromMicroseconds(50), Slow = TimeSpan.FromMicroseconds(500);

    [Theory]
    [InlineData(BudgetWatch.WarnFrom - 1, false)]
    [InlineData(BudgetWatch.WarnFrom, true)]
    public void Window_WarnsFromWhatChanceDoesNotExplain(int slow, bool isExceeded)
    {
        var log = new LogText();
        var watch = new BudgetWatch("route /", TimeSpan.FromMicroseconds(100), new TestClock(), new LineLog(log));
        for (int index = 0; index < BudgetWatch.WindowSize; index++) watch.Record(index < slow ? Slow : Fast);
        Assert.Equal(isExceeded, watch.IsExceeded);
        Assert.Equal(slow, watch.Over);
        Assert.Equal(isExceeded, log.ToString().Contains("route /: 6 of the last 200 timed requests took longer than its latency_budget of 100 us", StringComparison.Ordinal));
    }

    [Fact]
    public void GoodWindow_TakesTheWarningBack_AndWarningsComeOnceAMinute()
    {
        var log = new LogText();
        var clock = new TestClock();
        var watch = new BudgetWatch("plugin p", TimeSpan.FromMicroseconds(100), clock, new LineLog(log));
        for (int round = 0; round < 3; round++) Fill(Slow);
        Assert.Single(log.ToString().Split("plugin p:").Skip(1));
        clock.Move(TimeSpan.FromMinutes(2));
        Fill(Slow);
        Assert.Equal(2, log.ToString().Split("plugin p:").Length - 1);
        Fill(Fast);
        Assert.False(watch.IsExceeded);

        void Fill(TimeSpan took)
        {
            for (int index = 0; index < BudgetWatch.WindowSize; index++) watch.Record(took);
        }
    }

    [Fact]
    public async Task SlowPlugin_ShowsInMetricsStatsAndLog()
    {
        await using var upstream = WireUpstream.Answering();
        var plugin = new FakePlugin
        {
            Name = "slow",
            RequestHeaders = static _ =>
            {
                Thread.SpinWait(20_000);
                return Bimetal.Plugins.Streams.FilterAction.Continue;
            },
        };
        var budget = TimeSpan.FromMicroseconds(1);
        await using var gateway = await TestGateway.StartAsync(new Uri($"http://127.0.0.1:{upstream.Port}"), config => config with
        {
            Telemetry = new TelemetryConfig { ServerTiming = true },
            Plugins = config.Plugins.ToDictionary(pair => pair.Key, pair => pair.Value with { LatencyBudget = budget }),
            Routes = [.. config.Routes.Select(route => route with { LatencyBudget = budget })],
        }, plugin);
        using (var client = await gateway.ConnectAsync())
        {
            for (int request = 0; request < BudgetWatch.WindowSize; request++) await client.GetAsync("/");
        }

        await gateway.SettleAsync(BudgetWatch.WindowSize);
        var metrics = await MetricsTests.ReadAsync(gateway);
        foreach (var (kind, name) in new[] { ("plugin", "slow"), ("route", "*/{rest...}") })
        {
            Assert.Equal(1, metrics.Value("bimetal_latency_budget_exceeded", ("kind", kind), ("name", name)));
            Assert.Equal(BudgetWatch.WindowSize, metrics.Value("bimetal_latency_budget_over_total", ("kind", kind), ("name", name)));
            Assert.Contains($"{kind} {name}: 200 of the last 200 timed requests", gateway.Log);
        }
    }
}
