// Manifests, staleness and builds of plugin folders.

using Bimetal.Plugins.Bundles;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Bundles;

public sealed class PluginFolderTests : IDisposable
{
    private const string Manifest = "name: small\nversion: 1.0.0\nsources: [small.c]\nlatency_budget: 250us\n";
    private const string Source = "#include <bimetal_plugin.h>\nstatic bp_action on(bp_stream s, void *v, bool e) { (void)s, (void)v, (void)e; return BP_CONTINUE; }\nBP_ON_REQUEST_HEADERS(on)\n";

    private readonly TemporaryFolder _folder = new();

    public PluginFolderTests()
    {
        _folder.Write("plugin.yaml", Manifest);
        _folder.Write("small.c", Source);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_SoundManifest_IsRead()
    {
        var manifest = PluginFolder.Open(_folder.Path).Manifest;
        Assert.Equal(("small", "1.0.0", 250.0), (manifest.Name, manifest.Version, manifest.LatencyBudget!.Value.TotalMicroseconds));
    }

    [Fact]
    public void Open_ManifestOfNothingButBrackets_IsRefused()
    {
        _folder.Write("plugin.yaml", "name: " + new string('[', 1_000_000));
        Assert.Contains("nested deeper", Assert.Throws<PluginLoadException>(() => PluginFolder.Open(_folder.Path)).Message);
    }

    [Theory]
    [InlineData("name: small\nversion: 1\nsources: [small.c]\ntrust: first-party\n", ":4: unknown key 'trust'; allowed: name, version")]
    [InlineData("name: Small!\nversion: 1\nsources: [small.c]\n", ":1: name: 'Small!' is not a plugin's name")]
    [InlineData("version: 1\nsources: [small.c]\n", "name: is required")]
    [InlineData("name: small\nversion: 1\nsources: [other.c]\n", ":3: sources: other.c does not exist")]
    [InlineData("name: small\nversion: 1\nsources: [../small.c]\n", "must be a file inside the folder that ends in .c or .rs or .ts")]
    [InlineData("name: small\nversion: 1\nsources: [small.c, small.ts]\n", ":3: sources: small.c and small.ts are of two languages; a plugin has one")]
    [InlineData("name: small\nversion: 1\nsources: [small.ts, other.ts]\n", ":3: sources: name only the file that the compiler begins with")]
    [InlineData("name: small\nversion: 1\nsources: [small.c]\nlatency_budget: 5 minutes\n", ":4: latency_budget: '5 minutes' is not a duration")]
    [InlineData("name: [small\n", "is not YAML")]
    [InlineData("- name\n", "must be one mapping")]
    [InlineData("name: \"small\\n\"\nversion: 1\nsources: [small.c]\n", "is not a plugin's name")]
    public void Open_WrongManifest_NamesFileLineAndKey(string manifest, string expected)
    {
        _folder.Write("plugin.yaml", manifest);
        foreach (string source in (string[])["small.ts", "other.ts"]) _folder.Write(source, "");
        var thrown = Assert.Throws<PluginLoadException>(() => PluginFolder.Open(_folder.Path));
        Assert.Contains(expected, thrown.Message);
        Assert.Contains("plugin.yaml", thrown.Message);
    }

    [Fact]
    public void Require_NotBuilt_NamesTheCommand() =>
        Assert.EndsWith($"is not there; run: bimetal build {_folder.Path}", Assert.Throws<PluginLoadException>(() => PluginFolder.Open(_folder.Path).Require(BuildTarget.Wasm)).Message);

    [Fact]
    public async Task Build_ThenChange_IsStaleUntilBuiltAgain()
    {
        var folder = PluginFolder.Open(_folder.Path);
        var results = await PluginBuilder.BuildAsync(folder, cancellation: TestContext.Current.CancellationToken);
        Assert.All(results, result => Assert.True(result.SizeBytes > 200 && result.Messages.Length == 0, result.Messages));
        Assert.Equal(BuildState.Current, folder.StateOf(BuildTarget.Wasm));
        Assert.Equal(BuildState.Current, folder.StateOf(BuildTarget.NativeHere));

        _folder.Write("small.h", "// a new header\n");
        Assert.Equal(BuildState.Stale, folder.StateOf(BuildTarget.Wasm));
        await PluginBuilder.EnsureAsync(folder, [BuildTarget.Wasm], cancellation: TestContext.Current.CancellationToken);
        Assert.Equal((BuildState.Current, BuildState.Stale), (folder.StateOf(BuildTarget.Wasm), folder.StateOf(BuildTarget.NativeHere)));

        File.AppendAllText(folder.PathOf(BuildTarget.Wasm), "x");
        Assert.Equal(BuildState.Stale, folder.StateOf(BuildTarget.Wasm));
    }

    [Fact]
    public async Task Build_Twice_GivesTheSameBytes()
    {
        var folder = PluginFolder.Open(_folder.Path);
        async Task<byte[][]> BuildAsync()
        {
            var built = await PluginBuilder.BuildAsync(folder, cancellation: TestContext.Current.CancellationToken);
            return [.. built.Select(result => File.ReadAllBytes(result.Path))];
        }

        Assert.Equal(await BuildAsync(), await BuildAsync());
    }

    [Fact]
    public async Task Build_SourceThatDoesNotCompile_ShowsWhatClangSays()
    {
        _folder.Write("small.c", Source + "int broken = nowhere;\n");
        var thrown = await Assert.ThrowsAsync<PluginLoadException>(() => PluginBuilder.BuildAsync(PluginFolder.Open(_folder.Path)));
        Assert.Contains("small.c:4:14: error: use of undeclared identifier 'nowhere'", thrown.Message);
    }
}
