// Plugins on other targets: through musl's loader, and for arm64 under emulation; the .so and the precompiled guest code both. Each case has to come
// out as its author says, and as in this process, byte for byte.

using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;
using Bimetal.Plugins.Targets;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Targets;

public sealed class TargetCaseTests
{
    private static readonly Metal[] s_metals = [Metal.Native, Metal.Wasm];

    [Theory]
    [InlineData("../tests/Plugins/probe", "linux-musl-x64")]
    [InlineData("../tests/Plugins/probe", "linux-arm64")]
    [InlineData("../tests/Plugins/probe", "linux-musl-arm64")]
    [InlineData("token-auth", "linux-musl-x64")]
    [InlineData("token-auth", "linux-arm64")]
    [InlineData("image-meta", "linux-arm64")]
    [InlineData("as-token-auth", "linux-arm64")]
    public async Task Cases_OnAnotherTarget_ComeOutAsHere(string name, string targetName)
    {
        var target = BuildTarget.Find(targetName)!;
        if (CrossLibraries.Problem(target, SdkFolder.Find()) is { } problem && target == BuildTarget.LinuxMuslArm64) Assert.Skip(problem);
        var folder = PluginFolder.Open(Path.Combine(Repository.Root, "plugins", name));
        Metal[] metals = [.. s_metals.Where(metal => folder.TargetsHere.Contains(BuildTarget.Of(metal)))];
        var outcomes = await BuildMatrix.BuildAsync(folder, [.. TargetLoader.Needs(target, metals).Union(folder.TargetsHere)], cancellation: TestContext.Current.CancellationToken);
        Assert.All(outcomes, outcome => Assert.True(outcome.Result is not null, outcome.Reason));
        var cases = CaseReader.ReadAll(folder);
        var here = await PluginCaseRunner.RunAsync(folder, cases, metals, cancellation: TestContext.Current.CancellationToken);
        var there = await PluginCaseRunner.RunAsync(
            folder, cases, metals, load: (metal, configuration, services) => Task.FromResult(TargetLoader.Load(folder, target, metal, configuration, services)),
            cancellation: TestContext.Current.CancellationToken);
        Assert.Empty(there.Results.Where(result => result.Mismatch is not null).Select(result => $"{result.Case.Name} on {result.Metal}: {result.Mismatch}"));
        Assert.Empty(there.Differences);
        Assert.Equal(metals.Length * cases.Count, there.Results.Count);
        Assert.All(here.Results.Zip(there.Results), pair => Assert.True(pair.First.Outcome.SameAs(pair.Second.Outcome), $"{pair.First.Case.Name} on {pair.First.Metal}"));
    }

    [Fact]
    public async Task PluginThatTraps_FailsItsRequest_AndTheNextOneIsServed()
    {
        using var place = new TemporaryFolder();
        place.Write("plugin.yaml", "name: traps\nversion: 1.0.0\nsources: [traps.c]\n");
        place.Write("traps.c", """
            #include <bimetal_plugin.h>
            static bp_action on(bp_stream s, void *v, bool e)
            {
                (void)v, (void)e;
                bp_slice value;
                if (bp_header_get(s, BP_REQUEST_HEADERS, "x-trap", &value) == BP_OK) *(volatile int *)(0xfffffff0u) = 1;
                return BP_CONTINUE;
            }
            BP_ON_REQUEST_HEADERS(on)
            """);
        Directory.CreateDirectory(Path.Combine(place.Path, "cases"));
        place.Write("cases/some.yaml", "cases:\n  - { name: traps, kind: hostile, request: { headers: { x-trap: 1 } }, expect: {} }\n  - { name: passes, kind: good, expect: {} }\n");
        var folder = PluginFolder.Open(place.Path);
        await BuildMatrix.BuildAsync(folder, TargetLoader.Needs(BuildTarget.LinuxArm64, [Metal.Wasm]), cancellation: TestContext.Current.CancellationToken);
        var report = await PluginCaseRunner.RunAsync(
            folder, CaseReader.ReadAll(folder), [Metal.Wasm],
            load: (metal, configuration, services) => Task.FromResult(TargetLoader.Load(folder, BuildTarget.LinuxArm64, metal, configuration, services)),
            cancellation: TestContext.Current.CancellationToken);
        Assert.Equal([CaseEnd.Failed, CaseEnd.Passed], report.Results.Select(result => result.Outcome.End));
        Assert.Contains("out of bounds memory access", report.Results[0].Outcome.Failure!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnknownTarget_IsAUsageError()
    {
        using var error = new StringWriter();
        Assert.Equal(2, await TestCommandRunner.RunAsync("plugins/token-auth", s_metals, "linux-riscv", null, TextWriter.Null, error, TestContext.Current.CancellationToken));
        Assert.StartsWith("unknown target linux-riscv; there are: linux-x64, linux-arm64, linux-musl-x64, linux-musl-arm64", error.ToString(), StringComparison.Ordinal);
    }
}
