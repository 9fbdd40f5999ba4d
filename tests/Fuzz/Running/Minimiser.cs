// Makes a module smaller as long as the engines still differ on it. Each step costs a run of clang and one of Node.

using System.Diagnostics;
using Bimetal.Fuzz.Generator;
using Bimetal.Fuzz.Model;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Engine;
using Bimetal.Wasm.Modules;

namespace Bimetal.Fuzz.Running;

internal sealed class Minimiser(FuzzModule module, CompileOptions options, TimeSpan limit)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <summary>Works on the module itself, which ends as the smallest that was found.</summary>
    internal void Run()
    {
        ReduceCalls();
        bool hasChanged = true;
        while (hasChanged && _clock.Elapsed < limit)
        {
            hasChanged = false;
            foreach (var function in module.Functions)
            {
                foreach (var root in function.Body) hasChanged |= Reduce(root);
            }
        }
    }

    private void ReduceCalls()
    {
        FuzzCall[] all = [.. module.Calls];
        foreach (var call in all)
        {
            module.Calls.Clear();
            module.Calls.Add(call);
            if (StillDiffers()) return;
        }

        module.Calls.Clear();
        module.Calls.AddRange(all);
    }

    // From the top down: what goes early takes much along.
    private bool Reduce(Node node)
    {
        if (_clock.Elapsed >= limit) return false;
        bool isSmallest = node.Children.Any() == false && node.Pieces.Count <= 1;
        foreach (var pieces in isSmallest ? [] : Replacements(node).ToList())
        {
            var before = node.Become(pieces);
            if (StillDiffers())
            {
                Reduce(node);
                return true;
            }

            node.Become(before);
        }

        bool hasChanged = false;
        foreach (var child in node.Children.ToList()) hasChanged |= Reduce(child);
        return hasChanged;
    }

    private static IEnumerable<IEnumerable<object>> Replacements(Node node)
    {
        yield return node.Result is { } type ? [Code.Zero(type)] : [];
        foreach (var child in node.Children.ToList())
        {
            if (child.Result == node.Result) yield return child.Pieces.ToList();
        }

        // All statements in it, without what is around them.
        if (node.Result is null && node.Children.Count(child => child.Result is null) > 1) yield return node.Children.Where(child => child.Result is null).ToList();
    }

    private bool StillDiffers()
    {
        var candidate = Candidate.Of("smaller", module);
        try
        {
            WasmEngine.Check(candidate.Bytes);
        }
        catch (WasmModuleException)
        {
            return false;
        }

        return Comparison.Run([candidate], options).Mismatches.Count > 0;
    }
}
