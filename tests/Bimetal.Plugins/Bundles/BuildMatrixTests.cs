// All targets of a plugin: what is built, what is not and why, and that the same input gives the same bytes wherever the folder stands.

using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Oci;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Bundles;

public sealed class BuildMatrixTests
{
    private const string Manifest = "name: small\nversion: 1.0.0\nsources: [small.c]\n";
    private const string Source = """
        #include <bimetal_plugin.h>
        static bp_action on(bp_stream s, void *v, bool e)
        {
            (void)v, (void)e;
            bp_header_set(s, BP_REQUEST_HEADERS, "x-file", bp_text(__FILE__ " " __DATE__ " " __TIME__));
            return BP_CONTINUE;
        }
        BP_ON_REQUEST_HEADERS(on)
        """;

    [Fact]
    public async Task EveryTarget_IsBuiltOrHasItsReason_AndIsTheSame_InAnotherFolderAndOnAnotherDay()
    {
        using var first = Folder();
        using var second = Folder();
        var digests = new List<string>();

        // Files from the last century; and the source asks for the time, which is another second in any case.
        foreach (string file in Directory.EnumerateFiles(second.Path)) File.SetLastWriteTimeUtc(file, new DateTime(1999, 12, 31, 0, 0, 0, DateTimeKind.Utc));
        foreach (var place in new[] { first, second })
        {
            var progress = new Lines();
            var outcomes = await BuildMatrix.BuildAsync(PluginFolder.Open(place.Path), BuildTarget.All, progress, TestContext.Current.CancellationToken);
            Assert.Equal(BuildTarget.All, outcomes.Select(outcome => outcome.Target));
            Assert.All(outcomes, outcome => Assert.True(outcome.Verdict is BuildVerdict.Built or BuildVerdict.NotBuilt, outcome.Reason));

            // Debian has musl for arm64 only as a package of another architecture, which the build fetches where there is a network.
            foreach (var missing in outcomes.Where(outcome => outcome.Verdict == BuildVerdict.NotBuilt))
                Assert.Equal(("linux-musl-arm64", true), (missing.Target.Name, missing.Reason.Contains("deploy/musl-arm64.sh", StringComparison.Ordinal)));
            Assert.Equal(BuildTarget.All.Count, progress.Texts.Count);
            digests.Add(PluginBundle.Of("x", BundlePacker.Pack(PluginFolder.Open(place.Path), outcomes)).Digest + "\n" + string.Join('\n', outcomes.Where(outcome => outcome.Result is not null).Select(outcome => $"{outcome.Target} {BuildRecord.DigestOfFile(outcome.Result!.Path)}")));
        }

        Assert.Equal(digests[0], digests[1]);
    }

    [Fact]
    public async Task WhatIsCurrent_IsNotBuiltAgain_AndWhatChangedIs()
    {
        using var place = Folder();
        var folder = PluginFolder.Open(place.Path);
        BuildTarget[] targets = [BuildTarget.Wasm, BuildTarget.CodeHere, BuildTarget.LinuxMuslX64];
        Assert.All(await BuildMatrix.BuildAsync(folder, targets), outcome => Assert.Equal(BuildVerdict.Built, outcome.Verdict));
        Assert.All(await BuildMatrix.BuildAsync(folder, targets), outcome => Assert.Equal(BuildVerdict.Unchanged, outcome.Verdict));

        File.AppendAllText(folder.PathOf(BuildTarget.CodeHere), "x");
        var again = await BuildMatrix.BuildAsync(folder, targets);
        Assert.Equal([BuildVerdict.Unchanged, BuildVerdict.Built, BuildVerdict.Unchanged], again.Select(outcome => outcome.Verdict));
        place.Write("small.c", Source.Replace("x-file", "x-name", StringComparison.Ordinal));
        Assert.Equal((BuildState.Stale, BuildState.Stale), (folder.StateOf(BuildTarget.CodeHere), folder.StateOf(BuildTarget.LinuxMuslX64)));
    }

    [Fact]
    public async Task SourceThatDoesNotCompile_FailsEachTarget_AndItsCode()
    {
        using var place = Folder();
        place.Write("small.c", Source + "int broken = nowhere;\n");
        var outcomes = await BuildMatrix.BuildAsync(PluginFolder.Open(place.Path), [BuildTarget.Wasm, BuildTarget.CodeX64, BuildTarget.LinuxX64]);
        Assert.All(outcomes, outcome => Assert.Equal((BuildVerdict.Failed, true), (outcome.Verdict, outcome.Result is null)));
        Assert.Contains("use of undeclared identifier 'nowhere'", outcomes[0].Reason, StringComparison.Ordinal);
        Assert.Equal("there is no module to compile: wasm was not built", outcomes[1].Reason);
    }

    [Fact]
    public async Task MuslBuild_NeedsItsLibraryByName()
    {
        using var place = Folder();
        place.Write("small.c", Source + "\n#include <stdlib.h>\nint own(const char *s) { return atoi(s); }\n__attribute__((constructor)) static void keep(void) { own(\"1\"); }\n");
        var built = Assert.Single(await BuildMatrix.BuildAsync(PluginFolder.Open(place.Path), [BuildTarget.LinuxMuslX64]));
        Assert.True(built.Result is not null, built.Reason);
        byte[] bytes = File.ReadAllBytes(built.Result.Path);
        Assert.True(bytes.AsSpan().IndexOf("\0libc.so\0"u8) > 0);
        Assert.True(bytes.AsSpan().IndexOf("/libc.so"u8) < 0);
    }

    [Fact]
    public async Task RustForASystemThatRustcHasNot_IsNotBuilt_ForThatReason()
    {
        using var place = new TemporaryFolder();
        foreach (string file in (string[])["plugin.yaml", "example_plugin.rs"])
            place.Write(file, File.ReadAllText(Path.Combine(Repository.Root, "sdk/templates/rust", file)));
        BuildTarget[] targets = [BuildTarget.NativeHere, BuildTarget.LinuxMuslArm64];
        var outcomes = await BuildMatrix.BuildAsync(PluginFolder.Open(place.Path), targets, progress: null, TestContext.Current.CancellationToken);
        Assert.True(outcomes[0].Verdict == BuildVerdict.Built, outcomes[0].Reason);

        // A machine with rustup may have it, or lack musl itself.
        Assert.True(outcomes[1].Verdict is BuildVerdict.Built or BuildVerdict.NotBuilt, outcomes[1].Reason);
        if (outcomes[1].Verdict == BuildVerdict.NotBuilt)
            Assert.Matches("rustup target add aarch64-unknown-linux-musl|deploy/musl-arm64.sh", outcomes[1].Reason);
    }

    private static TemporaryFolder Folder()
    {
        var folder = new TemporaryFolder();
        folder.Write("plugin.yaml", Manifest);
        folder.Write("small.c", Source);
        return folder;
    }

    private sealed class Lines : IProgress<string>
    {
        public List<string> Texts { get; } = [];

        public void Report(string value)
        {
            lock (Texts) Texts.Add(value);
        }
    }
}
