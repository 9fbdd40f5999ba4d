// Which route a request gets: specificity, not order; methods; and that many routes cost no more than few.

using System.Diagnostics;
using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Routing;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Tests;

[Collection(AloneCollection.Name)]
public sealed class RouteTableTests
{
    private static readonly string[] Patterns =
    [
        "*/{rest...}", "*/", "*/api/{rest...}", "*/api/v1", "*/api/{version}", "*/api/{version}/users", "*/api/v1/{rest...}", "*/files/{name}",
        "example.com/{rest...}", "example.com/only", "*.example.com/{rest...}", "*.eu.example.com/{rest...}", "POST */form", "GET */form", "*/a%2Fb",
    ];

    [Theory]
    [InlineData("x", "/", "*/")]
    [InlineData("x", "/other", "*/{rest...}")]
    [InlineData("x", "/api", "*/api/{rest...}")]
    [InlineData("x", "/api/", "*/api/{rest...}")]
    [InlineData("x", "/apix", "*/{rest...}")]
    [InlineData("x", "/API", "*/{rest...}")]
    [InlineData("x", "/api/v1", "*/api/v1")]
    [InlineData("x", "/api/v2", "*/api/{version}")]
    [InlineData("x", "/api/v2/users", "*/api/{version}/users")]
    [InlineData("x", "/api/v1/users", "*/api/v1/{rest...}")]
    [InlineData("x", "/api/v2/groups", "*/api/{rest...}")]
    [InlineData("x", "/files/", "*/{rest...}")]
    [InlineData("x", "/files/a/b", "*/{rest...}")]
    [InlineData("x", "/a%2Fb", "*/a%2Fb")]
    [InlineData("example.com", "/only", "example.com/only")]
    [InlineData("EXAMPLE.com:8080", "/only", "example.com/only")]
    [InlineData("example.com.", "/x", "example.com/{rest...}")]
    [InlineData("a.example.com", "/x", "*.example.com/{rest...}")]
    [InlineData("a.b.example.com:1", "/x", "*.example.com/{rest...}")]
    [InlineData("a.eu.example.com", "/x", "*.eu.example.com/{rest...}")]
    [InlineData("eu.example.com", "/x", "*.example.com/{rest...}")]
    [InlineData("notexample.com", "/api/v1", "*/api/v1")]
    [InlineData("[::1]:8080", "/api/v1", "*/api/v1")]
    [InlineData("", "/api/v1", "*/api/v1")]
    public void Find_TakesTheMostSpecific_WhateverTheOrder(string host, string path, string expected)
    {
        string[] reversed = [.. Patterns.Reverse()];
        Assert.Equal(expected, Find(Patterns, host, path, "GET"));
        Assert.Equal(expected, Find(reversed, host, path, "GET"));
    }

    [Theory]
    [InlineData("GET", "GET */form")]
    [InlineData("POST", "POST */form")]
    [InlineData("PUT", "*/{rest...}")]
    public void Find_MethodsAreMoreSpecificThanNone(string method, string expected) => Assert.Equal(expected, Find(Patterns, "x", "/form", method));

    [Fact]
    public void Find_OtherMethodsOnly_SaysWhichAreAllowed()
    {
        var table = Table(["POST */form", "PUT */form", "GET */x"]);
        var match = table.Find("any", "/form", "GET");
        Assert.Equal(-1, match.Route);
        Assert.Equal(["POST", "PUT"], match.AllowedMethods.Order());
        Assert.Empty(table.Find("any", "/none", "GET").AllowedMethods);
        Assert.Equal(-1, table.Find("any", "*", "OPTIONS").Route);
    }

    [Fact]
    public void Find_SpecificHostWithoutThePath_FallsBackToTheGeneral() =>
        Assert.Equal("*/api/{rest...}", Find(["*/api/{rest...}", "example.com/only"], "example.com", "/api/x", "GET"));

    [Theory]
    [InlineData("GET", "", "", "GET */form")]
    [InlineData("GET", "x-v: 1", "", "GET */form x-v=1")]
    [InlineData("GET", "x-v: 10", "", "GET */form x-v=1*")]
    [InlineData("GET", "x-v: 2|x-v: 1", "", "GET */form x-v=1")]
    [InlineData("GET", "x-v: 1", "debug", "GET */form x-v=1 ?debug")]
    [InlineData("GET", "x-v: 1", "a=1&debug=x", "GET */form x-v=1 ?debug")]
    [InlineData("GET", "", "q=a%20b", "GET */form ?q=a b")]
    [InlineData("GET", "", "q=a+b", "GET */form ?q=a b")]
    [InlineData("GET", "", "q=x&q=a+b", "GET */form ?q=a b")]
    [InlineData("POST", "", "", "POST|PUT */form !x-v")]
    [InlineData("POST", "x-v: 9", "", "*/{rest...}")]
    public void Find_ConditionsAreMoreSpecificThanNone(string method, string fields, string query, string expected)
    {
        RouteMatchConfig[] matches =
        [
            new(), Form("GET"), Form("GET") with { Headers = [Is("x-v", ConditionKind.Exact, "1")] }, Form("GET") with { Headers = [Is("x-v", ConditionKind.Prefix, "1")] },
            Form("GET") with { Headers = [Is("x-v", ConditionKind.Exact, "1")], Query = [Is("debug", ConditionKind.Present)] },
            Form("GET") with { Query = [Is("q", ConditionKind.Exact, "a b")] }, Form("POST", "PUT") with { Headers = [Is("x-v", ConditionKind.Absent)] },
        ];
        var headers = new HeaderMap();
        foreach (string field in fields.Split('|', StringSplitOptions.RemoveEmptyEntries)) headers.AddCopy(Encoding.ASCII.GetBytes(field.Split(": ")[0]), Encoding.ASCII.GetBytes(field.Split(": ")[1]));
        RouteMatchConfig[] reversed = [.. matches.Reverse()];
        Assert.Equal(expected, matches[new RouteTable(matches).Find("x", "/form", method, headers, query).Route].ToString());
        Assert.Equal(expected, reversed[new RouteTable(reversed).Find("x", "/form", method, headers, query).Route].ToString());
    }

    [Fact]
    public void Find_Head_GoesWhereGetGoes_UnlessARouteOfThePathListsIt()
    {
        Assert.Equal("GET */form", Find(Patterns, "x", "/form", "HEAD"));
        Assert.Equal("HEAD */form", Find([.. Patterns, "HEAD */form"], "x", "/form", "HEAD"));
        Assert.Equal("GET */form", Find([.. Patterns, "HEAD */form"], "x", "/form", "GET"));
        Assert.Equal(["GET", "HEAD"], Table(["GET */form"]).Find("x", "/form", "PUT").AllowedMethods.Order());
    }

    [Fact]
    public void FindShadowed_ReportsWhatNoRequestReaches_AndNothingElse()
    {
        Assert.Equal([("GET */a", "GET */a"), ("GET|POST */b", "GET */b"), ("*/c/{x...}", "*/c//{z...}")], Shadowed(
            Form("GET") with { Path = "/a" }, Form("GET") with { Path = "/a" },
            Form("GET", "POST") with { Path = "/b" }, Form("POST") with { Path = "/b" }, Form("GET") with { Path = "/b" },
            Form() with { Path = "/c" }, Form() with { Path = "/c/{x...}" }, Form() with { Path = "/c/{n}/{y...}" }, Form() with { Path = "/c//{z...}" }).Select(pair => (pair.Shadowed, pair.By)));
        Assert.Empty(Shadowed(
            Form() with { Headers = [Is("x", ConditionKind.Prefix, "a")] }, Form() with { Headers = [Is("x", ConditionKind.Exact, "ab")] },
            Form() with { Headers = [Is("x", ConditionKind.Exact, "b")] }, Form() with { Headers = [Is("x", ConditionKind.Prefix, "ab")] }, Form() with { Headers = [Is("x", ConditionKind.Present)] }, Form()));
    }

    [Fact]
    public void Find_TenThousandRoutes_TakeAsManyStepsAsTen()
    {
        int few = Steps(Services(10), "/service7/42/items", host: "host7.example.com");
        Assert.InRange(Steps(Services(10_000), "/service7/42/items", host: "host7.example.com"), 1, few + 1);
        RouteMatchConfig[] tenants = [.. Enumerable.Range(0, 10_000).Select(number => Form() with { Headers = [Is("x-tenant", ConditionKind.Exact, "t" + number)] })];
        var headers = new HeaderMap();
        headers.AddCopy("x-tenant"u8, "t9999"u8);
        Assert.InRange(Steps(tenants, "/form", headers), 1, 8);
    }

    [Fact]
    public void FindShadowed_OfTenThousandRoutes_IsQuick()
    {
        RouteConfig[] routes = [.. Enumerable.Range(0, 10_000).Select(number => new RouteConfig { Match = Form() with { Headers = [Is("x-tenant", ConditionKind.Exact, "t" + number)] } })];
        Assert.Empty(RouteTable.FindShadowed(routes));
    }

    /// <summary>The benchmark: both figures are in the test's output. Loosely asserted, because other programs run beside it.</summary>
    [Fact]
    [Trait("Category", "Slow")]
    public void Find_TenThousandRoutes_TakeAboutAsLongAsTen()
    {
        double few = MicrosecondsPerLookup(10);
        double many = MicrosecondsPerLookup(10_000);
        TestContext.Current.TestOutputHelper!.WriteLine($"10 routes: {few:F3} us per lookup, 10,000 routes: {many:F3} us");
        Assert.True(many < 10 * few + 2, $"10 routes: {few:F3} us per lookup, 10,000 routes: {many:F3} us");
    }

    private static RouteMatchConfig[] Services(int count) =>
        [.. Enumerable.Range(0, count).Select(number => Parse($"host{number % 100}.example.com/service{number}/{{id}}/items"))];

    private static int Steps(RouteMatchConfig[] matches, string path, HeaderMap? headers = null, string host = "x")
    {
        var found = new RouteTable(matches).Find(host, path, "GET", headers);
        Assert.InRange(found.Route, 0, matches.Length);
        return found.Steps;
    }

    private static IEnumerable<(string Shadowed, string By)> Shadowed(params RouteMatchConfig[] matches) =>
        RouteTable.FindShadowed([.. matches.Select(match => new RouteConfig { Match = match })]).Select(pair => (pair.Shadowed.Match.ToString(), pair.By.Match.ToString()));

    private static RouteMatchConfig Form(params string[] methods) => new() { Path = "/form", Methods = methods };

    private static ValueCondition Is(string name, ConditionKind kind, string value = "") => new(name, kind, value);

    private static double MicrosecondsPerLookup(int routes)
    {
        var table = Table([.. Enumerable.Range(0, routes).Select(number => $"host{number % 100}.example.com/service{number}/{{id}}/items")]);
        string[] hosts = [.. Enumerable.Range(0, 100).Select(number => $"host{number}.example.com")];
        string[] targets = [.. Enumerable.Range(0, routes).Select(number => $"/service{number}/42/items")];
        double best = double.MaxValue;

        // Rounds so short that most of them are over before another program has its turn, and many of them; nothing is allocated in between.
        const int rounds = 300, lookups = 1000;
        for (int round = 0, next = 0; round < rounds; round++)
        {
            long started = Stopwatch.GetTimestamp();
            for (int lookup = 0; lookup < lookups; lookup++)
            {
                int number = (int)(7919L * next++ % routes);
                int found = table.Find(hosts[number % 100], targets[number], "GET").Route;
                if (found != number) Assert.Fail($"found {found} for {number}");
            }

            best = Math.Min(best, Stopwatch.GetElapsedTime(started).TotalMicroseconds / lookups);
        }

        return best;
    }

    private static string? Find(string[] patterns, string host, string path, string method)
    {
        int route = Table(patterns).Find(host, path, method).Route;
        return route < 0 ? null : patterns[route];
    }

    private static RouteTable Table(string[] patterns) => new([.. patterns.Select(Parse)]);

    private static RouteMatchConfig Parse(string pattern)
    {
        string[] parts = pattern.Split(' ');
        int slash = parts[^1].IndexOf('/', StringComparison.Ordinal);
        return new RouteMatchConfig { Host = parts[^1][..slash], Path = parts[^1][slash..], Methods = parts.Length == 2 ? [parts[0]] : [] };
    }
}
