// What the command line chose.

using Bimetal.Wasm.Compiler;

namespace Bimetal.Fuzz.Running;

/// <summary>Options of a run.</summary>
internal sealed record FuzzOptions
{
    internal const string Usage = """
        Compares generated modules in Bimetal and in V8 (node): results, traps, memory, globals, tables.
          tests/Fuzz/run --seed 1 --count 20000
          --seed N        which modules (default 1)
          --first I       number of the first module of the seed (default 0)
          --count M       how many modules (default 1000)
          --minutes T     ends after this time, even if modules are left
          --batch B       modules in one image (default 50)
          --modes LIST    of conformant, explicit, quick, relaxed, marks; batches take turns (default: all)
          --cpu LEVEL     as clang's -march spells it, such as x86-64-v3
          --keep FOLDER   where modules go that differ, as .wasm, and made smaller (default artifacts/fuzz)
          --no-minimise   leaves them as they are
          --binaryen      modules of wasm-opt --translate-to-fuzz instead of our own (fetches the npm package binaryen)
        Exit 0: no difference; 1: there are some; 2: wrong usage.
        """;

    private static readonly Dictionary<string, CompileOptions> Modes = new()
    {
        ["conformant"] = new CompileOptions(),
        ["explicit"] = new CompileOptions { Bounds = BoundsMode.Explicit },
        ["quick"] = new CompileOptions { Quick = true },
        ["relaxed"] = new CompileOptions { Mode = CompileMode.Relaxed },
        ["marks"] = new CompileOptions { MarkWrites = true },
    };

    internal int Seed { get; private set; } = 1;

    internal int First { get; private set; }

    internal int Count { get; private set; } = 1000;

    internal TimeSpan? TimeLimit { get; private set; }

    internal int Batch { get; private set; } = 50;

    internal IReadOnlyList<(string Name, CompileOptions Options)> Chosen { get; private set; } = [.. Modes.Select(mode => (mode.Key, mode.Value))];

    internal string? Folder { get; private set; }

    internal bool Minimise { get; private set; } = true;

    /// <summary>Folder of the npm package binaryen, whose modules are wanted; null for our own.</summary>
    internal string? Binaryen { get; private set; }

    internal bool WantsHelp { get; private set; }

    /// <summary>Reads the words; null and a message when they are wrong.</summary>
    internal static FuzzOptions? Read(IReadOnlyList<string> words, out string fault)
    {
        var options = new FuzzOptions();
        fault = "";
        string? cpu = null;
        for (int index = 0; index < words.Count; index++)
        {
            string flag = words[index];
            if (flag is "--help" or "-h") options.WantsHelp = true;
            else if (flag == "--no-minimise") options.Minimise = false;
            else if (index + 1 == words.Count || !options.Set(flag, words[++index], ref cpu)) fault = $"{flag} {words.ElementAtOrDefault(index)} is not understood; see tests/Fuzz/run --help";
            if (fault.Length > 0) return null;
        }

        if (cpu is not null) options.Chosen = [.. options.Chosen.Select(mode => ($"{mode.Name} {cpu}", mode.Options with { Cpu = cpu }))];
        return options;
    }

    private bool Set(string flag, string value, ref string? cpu)
    {
        switch (flag)
        {
            case "--modes":
                string[] names = value.Split(',');
                Chosen = [.. names.Where(Modes.ContainsKey).Select(name => (name, Modes[name]))];
                return Chosen.Count == names.Length;
            case "--cpu":
                cpu = value;
                return true;
            case "--binaryen":
                Binaryen = value;
                return true;
            case "--keep":
                Folder = value;
                return true;
            default:
                return int.TryParse(value, out int number) && number >= 0 && SetNumber(flag, number);
        }
    }

    private bool SetNumber(string flag, int number)
    {
        switch (flag)
        {
            case "--seed": Seed = number; return true;
            case "--first": First = number; return true;
            case "--count": Count = number; return true;
            case "--minutes": TimeLimit = TimeSpan.FromMinutes(number); return true;
            case "--batch": Batch = Math.Max(number, 1); return true;
            default: return false;
        }
    }
}
