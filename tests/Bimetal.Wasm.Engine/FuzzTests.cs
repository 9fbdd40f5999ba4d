// A short run of the fuzzer (tests/Fuzz) with a fixed seed: generated modules do here what they do in V8. And the fuzzer itself is looked
// at: that it reaches every instruction, and that it notices a difference.

using Bimetal.Fuzz.Generator;
using Bimetal.Fuzz.Running;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Engine.Tests;

public sealed class FuzzTests
{
    private const int Seed = 2026;
    private const int ModulesPerMode = 20;
    private const int ModulesForCoverage = 400;

    [Theory]
    [InlineData(CompileMode.Conformant, BoundsMode.Guard, false, 0)]
    [InlineData(CompileMode.Conformant, BoundsMode.Explicit, false, 1)]
    [InlineData(CompileMode.Conformant, BoundsMode.Guard, true, 2)]
    [InlineData(CompileMode.Relaxed, BoundsMode.Guard, false, 3)]
    public void GeneratedModules_DoWhatTheyDoInV8(CompileMode mode, BoundsMode bounds, bool quick, int part)
    {
        var candidates = Enumerable.Range(part * ModulesPerMode, ModulesPerMode).Select(index => Candidate.Of($"seed {Seed} module {index}", ModuleGenerator.Generate(Seed, index))).ToList();
        var (mismatches, tally) = Comparison.Run(candidates, new CompileOptions { Mode = mode, Bounds = bounds, Quick = quick });
        Assert.True(mismatches.Count == 0, string.Join('\n', mismatches));
        Assert.True(tally.Calls - tally.Traps > 3 * ModulesPerMode, $"most calls should return: {tally}");
    }

    [Fact]
    public void Generator_WritesEveryInstruction()
    {
        var missing = OpcodePool.Everything.Select(info => info.Name).ToHashSet();
        for (int index = 0; index < ModulesForCoverage; index++) missing.ExceptWith(InstructionsOf(ModuleGenerator.Generate(Seed, index).Encode()));
        Assert.Empty(missing);
    }

    [Fact]
    public void Generator_SameNumber_GivesTheSameModule()
    {
        byte[] first = ModuleGenerator.Generate(Seed, 7).Encode();
        Assert.Equal(first, ModuleGenerator.Generate(Seed, 7).Encode());
        Assert.NotEqual(first, ModuleGenerator.Generate(Seed, 8).Encode());
        Assert.NotEqual(first, ModuleGenerator.Generate(Seed + 1, 7).Encode());
    }

    [Theory]
    [InlineData("f = 5 [s]", "f = 5 [s]", true)]
    [InlineData("f = 5 [s]", "f = 6 [s]", false)]
    [InlineData("f = 5 [s]", "f = 5 [t]", false)]
    [InlineData("f = 5 [s]", "f trap MemoryOutOfBounds [s]", false)]
    [InlineData("f trap MemoryOutOfBounds [s]", "f = 5 [s]", false)]
    [InlineData("f trap MemoryOutOfBounds [s]", "f trap Unreachable [s]", false)]
    [InlineData("f trap MemoryOutOfBounds [s]", "f trap MemoryOutOfBounds [t]", true)]
    [InlineData("f trap Unreachable [s]", "f trap Unreachable [t]", false)]
    [InlineData("f trap Conversion [s]", "f trap IntegerOverflow [s]", true)]
    [InlineData("f trap IntegerOverflow [s]", "f trap InvalidConversionToInteger [s]", false)]
    public void Difference_OfTwoObservations_IsNoticed(string v8, string ours, bool agree)
    {
        Assert.Equal(agree, Comparison.Difference([Parse(v8)], [Parse(ours)], new CompileOptions()) is null);
    }

    [Fact]
    public void Difference_InMemoryBehindATrap_CountsWithExplicitBounds()
    {
        var seen = Parse("f trap MemoryOutOfBounds [s]");
        Assert.NotNull(Comparison.Difference([seen], [seen with { State = "t" }], new CompileOptions { Bounds = BoundsMode.Explicit }));
    }

    [Fact]
    public void Difference_CallThatIsMissing_IsNoticed()
    {
        var seen = Parse("f = 5 [s]");
        Assert.NotNull(Comparison.Difference([seen, seen], [seen], new CompileOptions()));
        Assert.NotNull(Comparison.Difference([seen], [seen, seen], new CompileOptions()));
    }

    [Fact]
    public void Difference_RelaxedCodeWithoutTheTrap_IsAllowed()
    {
        var relaxed = new CompileOptions { Mode = CompileMode.Relaxed };
        var trapped = Parse("f trap MemoryOutOfBounds [s]");
        var went = Parse("f = 5 [s]");
        Assert.Null(Comparison.Difference([trapped, went], [went, Parse("f = 6 [s]")], relaxed));
        Assert.NotNull(Comparison.Difference([went], [Parse("f = 6 [s]")], relaxed));
        Assert.Null(Comparison.Difference([trapped with { Call = Observation.Start }], [went, went], relaxed));
        Assert.NotNull(Comparison.Difference([went], [trapped], relaxed));
    }

    // CALL = VALUES [STATE], or CALL trap NAME [STATE].
    private static Observation Parse(string text)
    {
        string[] words = text.Split(' ');
        return words[1] == "=" ? new Observation(words[0], "", words[2], words[3]) : new Observation(words[0], words[2], "", words[3]);
    }

    private static IEnumerable<string> InstructionsOf(byte[] wasm)
    {
        var module = WasmEngine.Check(wasm);
        foreach (var function in module.Functions)
        {
            var names = new HashSet<string>();
            var reader = new InstructionReader(module.Bytes.Span, function.BodyOffset, function.BodyLength);
            var instruction = default(Instruction);
            while (!reader.IsAtEnd && reader.Read(ref instruction) is null) names.Add(instruction.Info.Name);
            foreach (string name in names) yield return name;
        }
    }
}
