// The cases of every plugin in plugins/, on each metal that it has: as the authors say, and whatever the chunks.

using System.Text;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Bundles;

public sealed class PluginCaseTests
{
    private static readonly string[] s_all = [.. Directory.GetDirectories(Path.Combine(Repository.Root, "plugins")).Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal)];

    public static TheoryData<string> Plugins => [.. s_all.Where(name => Open(name).TargetsHere.Count == 2)];

    public static TheoryData<string, InstancePolicy> WasmPlugins =>
        new(s_all.Where(name => Open(name).TargetsHere.Count == 1).SelectMany(name => new[] { (name, InstancePolicy.PerRequest), (name, InstancePolicy.Shared) }));

    /// <summary>Plugins that exist for tests alone, and have cases.</summary>
    public static IReadOnlyList<string> TestPlugins => ["../tests/Plugins/probe", "../tests/Plugins/keeper", "../tests/Plugins/caller"];

    public static TheoryData<string, InstancePolicy> PluginsAndProbe =>
        new(Plugins.Select(row => row.Data).Concat(TestPlugins).SelectMany(name => new[] { (name, InstancePolicy.PerRequest), (name, InstancePolicy.Shared) }));

    [Theory]
    [MemberData(nameof(Plugins))]
    public async Task Run_OnNative_ComesOutAsTheCasesSay(string name)
    {
        var folder = await BuiltAsync(name);
        var cases = CaseReader.ReadAll(folder);
        Assert.True(cases.Count >= 25, $"{name} has only {cases.Count} cases");
        foreach (var kind in Enum.GetValues<CaseKind>()) Assert.Contains(cases, one => one.Kind == kind);
        var report = await PluginCaseRunner.RunAsync(folder, cases, [Metal.Native], cancellation: TestContext.Current.CancellationToken);
        Assert.Empty(report.Results.Where(result => result.Mismatch is not null).Select(result => $"{result.Case.Name}: {result.Mismatch}"));
    }

    [Fact]
    public async Task Run_EveryFunctionOfTheSdk_OnNative()
    {
        var folder = await BuiltAsync("../tests/Plugins/probe");
        var report = await PluginCaseRunner.RunAsync(folder, CaseReader.ReadAll(folder), [Metal.Native], cancellation: TestContext.Current.CancellationToken);
        Assert.Empty(report.Results.Where(result => result.Mismatch is not null).Select(Describe));
    }

    [Theory]
    [MemberData(nameof(PluginsAndProbe))]
    public async Task Run_OnBothMetals_IsTheSameByteForByte(string name, InstancePolicy instance)
    {
        var folder = await BuiltAsync(name);
        var report = await PluginCaseRunner.RunAsync(
            folder, CaseReader.ReadAll(folder), [Metal.Native, Metal.Wasm], instance: instance, cancellation: TestContext.Current.CancellationToken);
        Assert.True(report.Results.All(result => result.Mismatch is null), string.Join("\n", report.Results.Where(result => result.Mismatch is not null).Select(Describe)));
        Assert.Empty(report.Differences);
        Assert.Equal(report.Passed(Metal.Native), report.Passed(Metal.Wasm));
    }

    [Theory]
    [MemberData(nameof(WasmPlugins))]
    public async Task Run_OnWasmAlone_ComesOutAsTheCasesSay(string name, InstancePolicy instance)
    {
        var folder = await BuiltAsync(name);
        var cases = CaseReader.ReadAll(folder);
        foreach (var kind in Enum.GetValues<CaseKind>()) Assert.Contains(cases, one => one.Kind == kind);
        var report = await PluginCaseRunner.RunAsync(folder, cases, [Metal.Wasm], instance: instance, cancellation: TestContext.Current.CancellationToken);
        Assert.Empty(report.Results.Where(result => result.Mismatch is not null).Select(Describe));
    }

    [Theory]
    [InlineData("as-ab-bucket", "ab-bucket")]
    [InlineData("as-token-auth", "token-auth")]
    public async Task Run_InAssemblyScript_DoesWhatTheTaskInCDoes(string name, string nameInC)
    {
        var folder = await BuiltAsync(name);
        var inC = await BuiltAsync(nameInC);
        var report = await PluginCaseRunner.RunAsync(folder, CaseReader.ReadAll(folder), [Metal.Wasm], cancellation: TestContext.Current.CancellationToken);
        var expected = await PluginCaseRunner.RunAsync(inC, CaseReader.ReadAll(inC), [Metal.Native], cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(expected.Results.Select(result => result.Case.Name), report.Results.Select(result => result.Case.Name));
        Assert.Empty(expected.Results.Zip(report.Results).Where(pair => !pair.First.Outcome.SameAs(pair.Second.Outcome)).Select(pair => pair.First.Case.Name));
    }

    [Theory]
    [InlineData("image-meta", 0)]
    [InlineData("image-meta", 1)]
    [InlineData("image-meta", 13)]
    [InlineData("image-meta", 65536)]
    [InlineData("json-redact", 7)]
    [InlineData("signature-scan", 1)]
    [InlineData("signature-scan", 1000)]
    [InlineData("event-window", 1)]
    [InlineData("event-window", 1000)]
    public async Task Run_BodyCutDifferently_ComesOutTheSame(string name, int chunkBytes)
    {
        var folder = await BuiltAsync(name);
        var cases = CaseReader.ReadAll(folder).Select(one => one.InChunksOf(chunkBytes)).ToList();
        var report = await PluginCaseRunner.RunAsync(folder, cases, [Metal.Native], cancellation: TestContext.Current.CancellationToken);
        Assert.Empty(report.Results.Where(result => result.Mismatch is not null).Select(result => $"{result.Case.Name}: {result.Mismatch}"));
    }

    private static string Describe(CaseResult result) =>
        $"{result.Case.Name}: {result.Mismatch}\n{Encoding.UTF8.GetString(result.Outcome.Response?.Body ?? [])}";

    private static async Task<PluginFolder> BuiltAsync(string name)
    {
        var folder = Open(name);
        await PluginBuilder.EnsureAsync(folder, cancellation: TestContext.Current.CancellationToken);
        return folder;
    }

    private static PluginFolder Open(string name) => PluginFolder.Open(Path.Combine(Repository.Root, "plugins", name));
}
