// Which route a request gets: specificity, not order; methods; and that many routes cost no more than few.

using System.Diagnostics;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Routing;
using Bimetal.Gateway.Tests.Support;

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

    [Fact]
    public void Find_TenThousandRoutes_TakeAboutAsLongAsTen()
    {
        double few = MicrosecondsPerLookup(10);
        double many = MicrosecondsPerLookup(10_000);
        Assert.True(many < 10 * few + 2, $"10 routes: {few:F3} us per lookup, 10,000 routes: {many:F3} us");
    }

    private static double MicrosecondsPerLookup(int routes)
    {
        var table = Table([.. Enumerable.Range(0, routes).Select(number => $"host{number % 100}.example.com/service{number}/{{id}}/items")]);
        string[] hosts = [.. Enumerable.Range(0, 100).Select(number => $"host{number}.example.com")];
        double best = double.MaxValue;
        for (int round = 0; round < 5; round++)
        {
            long started = Stopwatch.GetTimestamp();
            for (int lookup = 0; lookup < 20_000; lookup++)
            {
                int number = lookup * 7919 % routes;
                int found = table.Find(hosts[number % 100], $"/service{number}/42/items", "GET").Route;
                if (found != number) Assert.Fail($"found {found} for {number}");
            }

            best = Math.Min(best, Stopwatch.GetElapsedTime(started).TotalMicroseconds / 20_000);
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
