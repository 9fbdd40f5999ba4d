// The IR of small functions, kept beside their text in tests/Golden: a change of the emitter shows as a change of these files.
// `BLESS=1` rewrites them.

using Bimetal.Testing;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler.Toolchain;

namespace Bimetal.Wasm.Compiler.Tests;

public sealed class GoldenIrTests
{
    private const string Marker = ";; ---- IR ----";
    private const string OptionsPrefix = ";; options:";

    private static string Folder => Path.Combine(Repository.Root, "tests", "Golden");

    public static TheoryData<string> Names => [.. Directory.GetFiles(Folder, "*.wat").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Ir_OfProgram_IsAsRecorded(string name)
    {
        string path = Path.Combine(Folder, name);
        string text = File.ReadAllText(path);
        int end = text.IndexOf(Marker, StringComparison.Ordinal);
        string program = end < 0 ? text : text[..end];
        string rewritten = program.TrimEnd() + "\n\n" + Marker + "\n" + string.Concat(Functions(program).Select(line => $";; {line}".TrimEnd() + "\n"));
        if (Environment.GetEnvironmentVariable("BLESS") == "1") File.WriteAllText(path, rewritten);
        else Assert.Equal(rewritten, text);
    }

    [Fact]
    public void Golden_HasADozenPrograms() => Assert.True(Names.Count >= 12);

    [Theory]
    [InlineData(TargetPlatform.LinuxX64)]
    [InlineData(TargetPlatform.LinuxArm64)]
    public void Programs_CompileForEachTarget(TargetPlatform target)
    {
        var modules = Names.Select(name => Compiling.Module(File.ReadAllText(Path.Combine(Folder, name.Data)))).ToArray();
        var image = new ModuleCompiler().Compile(modules, new CompileOptions { Target = target }, TestContext.Current.CancellationToken);
        Assert.Empty(ImageAssertions.Problems(image.Bytes, target, modules.Length));
    }

    // Only the functions of the module itself: shared routines, trampolines and the root would drown them.
    private static IEnumerable<string> Functions(string program)
    {
        bool isInside = false;
        foreach (string line in Compiling.Ir(program, OptionsOf(program)).Split('\n'))
        {
            if (line.StartsWith("define", StringComparison.Ordinal)) isInside = line.Contains("@m0f", StringComparison.Ordinal);
            if (isInside) yield return line;
            if (line == "}") isInside = false;
        }
    }

    private static CompileOptions OptionsOf(string program)
    {
        var options = Compiling.Options with { Locations = false };
        if (!program.StartsWith(OptionsPrefix, StringComparison.Ordinal)) return options;
        foreach (string option in program.Split('\n')[0][OptionsPrefix.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            options = option switch
            {
                "relaxed" => options with { Mode = CompileMode.Relaxed },
                "explicit-bounds" => options with { Bounds = BoundsMode.Explicit },
                "poll" => options with { Interrupt = InterruptMode.Poll },
                "locations" => options with { Locations = true },
                "unmasked" => options with { MaskIndices = false },
                "arm64" => options with { Target = TargetPlatform.LinuxArm64 },
                _ => throw new ArgumentException($"unknown option '{option}'"),
            };
        }

        return options;
    }
}
