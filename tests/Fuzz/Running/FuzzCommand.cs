// A long run: progress after each batch, modules that differ kept and made smaller, a closing line with counts.

using System.Diagnostics;
using Bimetal.Fuzz.Generator;
using Bimetal.Testing;

namespace Bimetal.Fuzz.Running;

internal static class FuzzCommand
{
    private static readonly TimeSpan MinimiserLimit = TimeSpan.FromMinutes(4);

    internal static int Run(IReadOnlyList<string> words, TextWriter output, TextWriter error)
    {
        var options = FuzzOptions.Read(words, out string fault);
        if (options is null)
        {
            error.WriteLine(fault);
            return 2;
        }

        if (options.WantsHelp)
        {
            output.WriteLine(FuzzOptions.Usage);
            return 0;
        }

        var clock = Stopwatch.StartNew();
        var total = Tally.None;
        int mismatchCount = 0;
        int batch = 0;
        for (int done = 0; done < options.Count && !(clock.Elapsed > options.TimeLimit); batch++)
        {
            int first = options.First + done, count = Math.Min(options.Batch, options.Count - done);
            var (name, compile) = options.Chosen[batch % options.Chosen.Count];

            // Before the batch: should a guest take the process down, this line says which one it was.
            error.Write($"\rseed {options.Seed}, modules {first} to {first + count - 1}, {name}; {total.Modules} done, {mismatchCount} differ ");
            var candidates = Enumerable.Range(first, count).Select(index => Generate(options, index, name)).ToList();
            var (mismatches, tally) = Comparison.Run(candidates, compile);
            foreach (var mismatch in mismatches)
            {
                error.WriteLine();
                output.WriteLine(mismatch);
                Keep(mismatch, first + candidates.IndexOf(mismatch.Candidate), options, output);
            }

            total = total.Add(tally);
            mismatchCount += mismatches.Count;
            done += count;
        }

        error.WriteLine();
        output.WriteLine($"{total.Modules} modules, {total.Calls} calls, {total.Traps} of them trapped, {mismatchCount} modules differ, {clock.Elapsed.TotalSeconds:0} s");
        return mismatchCount == 0 ? 0 : 1;
    }

    private static Candidate Generate(FuzzOptions options, int index, string mode)
    {
        string name = $"seed {options.Seed} module {index} {mode}";
        return options.Binaryen is null
            ? Candidate.Of(name, ModuleGenerator.Generate(options.Seed, index))
            : new BinaryenGenerator(options.Binaryen).Generate("binaryen " + name, options.Seed, index);
    }

    private static void Keep(Mismatch mismatch, int index, FuzzOptions options, TextWriter output)
    {
        string folder = Directory.CreateDirectory(options.Folder ?? Path.Combine(Repository.Root, "artifacts", "fuzz")).FullName;
        string path = Path.Combine(folder, mismatch.Candidate.Name.Replace(' ', '-'));
        File.WriteAllBytes(path + ".wasm", mismatch.Candidate.Bytes);
        output.WriteLine($"  kept: {path}.wasm");
        if (!options.Minimise || options.Binaryen is not null) return;
        var module = ModuleGenerator.Generate(options.Seed, index);
        new Minimiser(module, mismatch.Options, MinimiserLimit).Run();
        File.WriteAllBytes(path + ".small.wasm", module.Encode());
        output.WriteLine($"  smaller: {path}.small.wasm, calls {string.Join(", ", module.Calls)}");
    }
}
