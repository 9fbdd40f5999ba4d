// What `bimetal demo --once` found.

namespace Bimetal.Gateway.Demo;

/// <summary>Requests of one kind to one plugin; each went through both metals.</summary>
/// <param name="Kind"><c>good</c>, <c>bad</c> or <c>hostile</c>.</param>
public sealed record DemoCount(string Plugin, string Kind, int Requests);

/// <summary>One request whose answers were not as they have to be.</summary>
/// <param name="Problem">What differs between the metals, or from what was expected.</param>
public sealed record DemoProblem(string Plugin, string Request, string Problem)
{
    public override string ToString() => $"{Plugin}: {Request}: {Problem}";
}

/// <summary>All of it.</summary>
/// <param name="Duration">Of the requests alone, without building and starting.</param>
public sealed record DemoOnceResult(IReadOnlyList<DemoCount> Counts, IReadOnlyList<DemoProblem> Problems, TimeSpan Duration)
{
    /// <summary>Requests that were sent through both metals.</summary>
    public int Requests => Counts.Sum(count => count.Requests);

    /// <summary>Both metals gave the same answers, byte for byte, and the expected ones.</summary>
    public bool HasHeld => Problems.Count == 0 && Requests >= DemoOnce.MinimumRequests;

    /// <summary>The lines to print.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            var lines = new List<string> { $"{"plugin",-12} {"good",6} {"bad",6} {"hostile",8}   requests, each through both metals" };
            foreach (var plugin in Counts.GroupBy(count => count.Plugin))
                lines.Add($"{plugin.Key,-12} {Of(plugin, "good"),6} {Of(plugin, "bad"),6} {Of(plugin, "hostile"),8}");
            lines.Add($"{Requests} requests in {Duration.TotalSeconds:0.0} s, answers of both metals compared byte for byte: {(HasHeld ? "all the same" : Problems.Count + " problems")}");
            lines.AddRange(Problems.Take(20).Select(problem => "  " + problem));
            if (Problems.Count > 20) lines.Add($"  … and {Problems.Count - 20} more");
            return lines;
        }
    }

    private static int Of(IEnumerable<DemoCount> counts, string kind) => counts.Where(count => count.Kind == kind).Sum(count => count.Requests);
}
