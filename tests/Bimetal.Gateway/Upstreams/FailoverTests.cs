// An upstream that is killed and started again under load: no request fails that could have succeeded. The long version, with processes and the
// published binary, is bench/gateway/failover.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests.Upstreams;

public sealed class FailoverTests
{
    private const int Clients = 12;
    private const int Restarts = 6;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task KilledAndRestartedUnderLoad_NothingFails(bool hasAnother)
    {
        await using var other = Start(0);
        var mortal = Start(0);
        int port = mortal.Port;

        // The only endpoint has to be waited for, with another one there is always somebody to ask.
        var retries = new RetryConfig { Attempts = 10, Backoff = TimeSpan.FromMilliseconds(20), Budget = new(Share: 1, MinimumPerSecond: 100) };
        await using var gateway = await RetryTests.StartAsync(config => config with { Retries = retries }, hasAnother ? [port, other.Port] : [port]);
        using var over = new CancellationTokenSource();
        Task<int>[] clients = [.. Enumerable.Range(0, Clients).Select(_ => Task.Run(() => AskAsync(gateway, over.Token)))];
        for (int restart = 0; restart < Restarts; restart++)
        {
            await Task.Delay(100, TestContext.Current.CancellationToken);
            await mortal.DisposeAsync();
            await Task.Delay(100, TestContext.Current.CancellationToken);
            mortal = Start(port);
        }

        await Task.Delay(100, TestContext.Current.CancellationToken);
        await over.CancelAsync();
        int answered = (await Task.WhenAll(clients)).Sum();
        await mortal.DisposeAsync();
        var report = gateway.Upstream("up");
        TestContext.Current.TestOutputHelper!.WriteLine($"{answered} requests, {report.Retries} sent again");
        Assert.True(answered > Clients && report.Retries > 0, $"{answered} requests, {report.Retries} sent again");
    }

    private static WireUpstream Start(int port) => new(async call =>
    {
        await Task.Delay(2, call.Cancellation);
        await call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    }, port);

    private static async Task<int> AskAsync(TestGateway gateway, CancellationToken over)
    {
        int answered = 0;
        using var client = await gateway.ConnectAsync();
        while (!over.IsCancellationRequested)
        {
            var answer = await client.GetAsync("/");
            Assert.True(answer.Status == 200, $"{answer.Status} {answer.Text}");
            answered++;
        }

        return answered;
    }
}
