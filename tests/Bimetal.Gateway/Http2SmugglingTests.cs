// The same as SmugglingTests for clients that speak HTTP/2: what HTTP/1.1 would read differently, frames that break the protocol, and floods of them.
// Each is answered or closed in time and in flat memory, others are served meanwhile, and nginx is asked for nothing that was not judged.

using System.Diagnostics;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests;

[Collection(AloneCollection.Name)]
public sealed class Http2SmugglingTests
{
    private const int Sentinel = 1_000_001;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task EveryCase_IsJudgedOnce_InTimeAndInFlatMemory_AndNginxSeesWhatWasJudged()
    {
        await using var nginx = await NginxUpstream.StartAsync();
        await using var gateway = await TestGateway.StartAsync(new Uri($"http://127.0.0.1:{nginx.Port}"), null);
        var problems = new List<string>();
        int seen = 0, left = 0;
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int number = 0; number < Http2SmugglingCase.All.Count; number++)
        {
            var entry = Http2SmugglingCase.All[number];
            var time = Stopwatch.StartNew();
            var answers = await SendAsync(gateway, entry);
            if (time.Elapsed > s_limit) problems.Add($"{entry.Name}: took {time.Elapsed}");
            var (judged, lines) = await nginx.JudgedSinceAsync(gateway, seen, number);
            seen = lines;
            if (!entry.IsAnsweredBy(answers)) problems.Add($"{entry.Name}: answered {string.Join(", ", answers.TakeLast(5))}");
            if (!SmugglingTests.IsAsExpected(judged, entry.Forwarded)) problems.Add($"{entry.Name}: nginx saw {judged.Count}: {string.Join(" | ", judged.Take(5))}");
            if (judged.Any(line => line.Contains("smuggled", StringComparison.Ordinal))) problems.Add($"{entry.Name}: SMUGGLED");
            if (!await gateway.IsIdleAsync(left))
            {
                problems.Add($"{entry.Name}: {gateway.Host.Model.ActiveExchanges} exchanges, {gateway.Host.OpenConnections - left} connections never end");
                left = gateway.Host.OpenConnections;
            }

            long held = GC.GetTotalMemory(forceFullCollection: true) - before;
            if (held > 16 << 20) problems.Add($"{entry.Name}: {held >> 20} MiB are held");
        }

        Assert.True(problems.Count == 0, string.Join('\n', problems));
        Assert.DoesNotContain("failed inside", gateway.Log);
    }

    /// <summary>Sends a case, and behind it an ordinary request; gives what came for the case.</summary>
    private static async Task<List<string>> SendAsync(TestGateway gateway, Http2SmugglingCase entry)
    {
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        var answers = new List<string>();
        var answered = new TaskCompletionSource();
        var reading = ReadAsync(wire, entry, answers, answered);
        try
        {
            await entry.Send(wire, answered.Task).WaitAsync(s_limit);
            await wire.SendHeadersAsync(Sentinel, isEnd: true, Http2Wire.Request("GET", "/sentinel"));
        }
        catch (IOException)
        {
            // Closed meanwhile.
        }
        catch (TimeoutException)
        {
            answers.Add("nothing is taken any more");
        }

        await Task.WhenAny(reading, Task.Delay(s_limit, TestContext.Current.CancellationToken));
        lock (answers) return [.. answers];
    }

    private static async Task ReadAsync(Http2Wire wire, Http2SmugglingCase entry, List<string> answers, TaskCompletionSource answered)
    {
        bool isOver = false;
        while (!isOver || answers.Count < entry.Answers.Length || entry.Forwarded is [Http2SmugglingCase.AnyOfIt])
        {
            var frame = await wire.ReadAsync();
            lock (answers)
            {
                if (frame is null or { Type: Http2Frame.GoAway, ErrorCode: not 0 })
                {
                    answers.Add(Http2SmugglingCase.Closed);
                    return;
                }

                if (frame is { Stream: > 0, Type: Http2Frame.Headers or Http2Frame.Data } && (frame.Flags & Http2Frame.EndStream) != 0) answered.TrySetResult();
                if (frame.Stream == Sentinel) isOver |= frame.Type == Http2Frame.Reset || (frame.Flags & Http2Frame.EndStream) != 0;
                else if (frame.Type == Http2Frame.Headers) answers.Add("" + frame.Status);
                else if (frame is { Type: Http2Frame.Reset, ErrorCode: not 0 }) answers.Add(Http2SmugglingCase.Reset);
            }
        }
    }
}
