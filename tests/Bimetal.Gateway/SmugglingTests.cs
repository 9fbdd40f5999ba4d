// The corpus of request smuggling and header injection, with a real nginx behind the gateway: every request is answered or its connection closed,
// and nginx sees those that the gateway judged, as it judged them, and no other. docs/smuggling.md shows the corpus; BLESS=1 writes it.

using System.Globalization;
using System.Text;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests;

public sealed class SmugglingTests
{
    [Fact]
    public async Task EveryCase_IsJudgedOnce_AndNginxSeesWhatWasJudged()
    {
        await using var nginx = await NginxUpstream.StartAsync();
        await using var gateway = await TestGateway.StartAsync(new Uri($"http://127.0.0.1:{nginx.Port}"), null);
        var problems = new List<string>();
        int seen = 0;
        for (int number = 0; number < SmugglingCase.All.Count; number++)
        {
            var entry = SmugglingCase.All[number];
            var statuses = await SendAsync(gateway, entry);
            (var judged, seen) = await nginx.JudgedSinceAsync(gateway, seen, number);
            if (!statuses.SequenceEqual(entry.Statuses)) problems.Add($"{entry.Name}: answered {string.Join(", ", statuses)}");
            if (!IsAsExpected(judged, entry.Forwarded)) problems.Add($"{entry.Name}: nginx saw {string.Join(" | ", judged)}");
            if (judged.Any(line => line.Contains("smuggled", StringComparison.Ordinal))) problems.Add($"{entry.Name}: SMUGGLED");
        }

        Assert.True(problems.Count == 0, string.Join('\n', problems));
        Assert.DoesNotContain("failed inside", gateway.Log);
    }

    [Fact]
    public void Document_ShowsTheCorpus()
    {
        string path = Path.Combine(Repository.Root, "docs", "smuggling.md");
        string text = File.ReadAllText(path);
        string written = Filled(text, "corpus", SmugglingCase.All.Select(entry => (entry.Name, string.Join(", ", entry.Statuses) + (entry.StaysOpen ? "" : ", closed"), entry.Forwarded)));
        written = Filled(written, "corpus of HTTP/2", Http2SmugglingCase.All.Select(entry => (entry.Name, entry.Answers.Length == 0 ? "no answer, the connection goes on" : string.Join(", ", entry.Answers), entry.Forwarded)));
        if (Environment.GetEnvironmentVariable("BLESS") == "1") File.WriteAllText(path, written);
        else Assert.Equal(written, text);
    }

    private static string Filled(string text, string name, IEnumerable<(string Name, string Answer, string[] Forwarded)> entries)
    {
        string begin = $"<!-- {name} -->\n";
        int from = text.IndexOf(begin, StringComparison.Ordinal) + begin.Length, to = text.IndexOf("<!-- end -->\n", from, StringComparison.Ordinal);
        return text[..from] + Table(entries) + text[to..];
    }

    private static string Table(IEnumerable<(string Name, string Answer, string[] Forwarded)> entries)
    {
        var table = new StringBuilder("| case | the client gets | the upstream is asked |\n|---|---|---|\n");
        foreach (var (name, answer, forwarded) in entries)
        {
            string asked = forwarded switch
            {
                [] => "nothing",
                [Http2SmugglingCase.CutOff] => "at most the beginning, cut off: no whole request",
                [Http2SmugglingCase.AnyOfIt] => "what of it was judged before the end",
                var requests => string.Join(", ", requests.Select(request => $"`{request}`")),
            };
            table.Append(CultureInfo.InvariantCulture, $"| {name} | {answer} | {asked} |\n");
        }

        return table.ToString();
    }

    /// <summary>Sends a case and gives the statuses that came until the connection closed, or until a request behind it was answered.</summary>
    private static async Task<List<int>> SendAsync(TestGateway gateway, SmugglingCase entry)
    {
        using var client = await gateway.ConnectAsync();
        var statuses = new List<int>();
        try
        {
            await client.SendAsync(entry.Sent);
            while (statuses.Count < entry.Statuses.Length || !entry.StaysOpen)
            {
                if (await client.Reader.ReadAsync(client.Cancellation) is not { } answer) break;
                if (answer.Status != 100) statuses.Add(answer.Status);
            }
        }
        catch (IOException)
        {
            // Closed while something was on its way.
        }
        catch (OperationCanceledException)
        {
            statuses.Add(0); // it was never closed
        }

        return statuses;
    }

    // A body that turned out to be wrong: nginx may have seen the head before the gateway cut it off, and answered it, or logged a client that left.
    internal static bool IsAsExpected(List<string> judged, string[] expected)
    {
        if (expected is [Http2SmugglingCase.AnyOfIt]) return judged.All(line => line.Contains(" GET / ", StringComparison.Ordinal) || line.Contains(" POST / ", StringComparison.Ordinal));
        if (expected is [Http2SmugglingCase.CutOff]) return judged.Count <= 1 && judged.All(line => line.StartsWith("400 ", StringComparison.Ordinal) || line.Contains(" POST / ", StringComparison.Ordinal));
        return judged.Select(line => string.Join(' ', line.Split(' ')[1..3])).SequenceEqual(expected) && judged.All(line => line.StartsWith("200 ", StringComparison.Ordinal));
    }
}
