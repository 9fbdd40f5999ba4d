// Runs many scripts: several at once, small ones compiled together.

using System.Collections.Concurrent;

namespace Bimetal.Wasm.Engine.Wast;

internal sealed class WastRunner(WastRequest request, CompileBatch compile, TextWriter error)
{
    // Guests run on the thread's stack, and some scripts recurse deeply on purpose.
    private const int StackBytes = 8 * 1024 * 1024;

    private readonly ConcurrentDictionary<WastScript, WastTally> _tallies = new(ReferenceEqualityComparer.Instance);
    private readonly Lock _progress = new();
    private Exception? _failure;

    /// <summary>Runs the scripts and returns what came of each, in the same order.</summary>
    internal IReadOnlyList<WastTally> Run(IReadOnlyList<WastScript> scripts)
    {
        var groups = new ConcurrentQueue<List<WastScript>>(Group(scripts));
        var threads = Enumerable.Range(0, request.Threads).Select(_ => new Thread(() => Work(groups, scripts.Count), StackBytes)).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        if (_failure is not null) throw new InvalidOperationException(_failure.Message, _failure);
        return [.. scripts.Select(script => _tallies[script])];
    }

    // The largest come first, so that no thread is left alone with one at the end.
    private static IEnumerable<List<WastScript>> Group(IReadOnlyList<WastScript> scripts)
    {
        var group = new List<WastScript>();
        int moduleCount = 0;
        foreach (var script in scripts.OrderByDescending(ModuleCountOf))
        {
            int count = ModuleCountOf(script);
            if (group.Count > 0 && moduleCount + count > ScriptCompiler.ModulesPerCompilation)
            {
                yield return group;
                group = [];
                moduleCount = 0;
            }

            group.Add(script);
            moduleCount += count;
        }

        if (group.Count > 0) yield return group;
    }

    private static int ModuleCountOf(WastScript script) => script.Commands.Count(command => command.Instantiates);

    private void Work(ConcurrentQueue<List<WastScript>> groups, int scriptCount)
    {
        try
        {
            while (_failure is null && groups.TryDequeue(out var group)) Run(group, scriptCount);
        }
        catch (Exception exception)
        {
            _failure = exception;
        }
    }

    private void Run(List<WastScript> group, int scriptCount)
    {
        using var modules = new ScriptCompiler(compile);
        modules.Prepare(group);
        foreach (var script in group)
        {
            using var run = new ScriptRun(script, modules);
            _tallies[script] = run.Run();
            if (request.ShowProgress) ReportProgress(_tallies[script], scriptCount);
        }
    }

    private void ReportProgress(WastTally tally, int scriptCount)
    {
        lock (_progress) error.WriteLine($"[{_tallies.Count}/{scriptCount}] {tally.Script}: {tally}");
    }
}
