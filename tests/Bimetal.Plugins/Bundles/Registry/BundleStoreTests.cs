// The local store stays bounded: what references in use lead to is kept, everything else goes in its time.

using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Oci;
using Bimetal.Plugins.Bundles.Registry;
using Bimetal.Plugins.Tests.Bundles.Oci;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Bundles.Registry;

public sealed class BundleStoreTests : IClassFixture<BundleFixture>, IDisposable
{
    private static readonly DateTime s_now = DateTime.UtcNow;
    private readonly BundleFixture _fixture;
    private readonly TemporaryFolder _folder = new();
    private readonly BundleStore _store;

    public BundleStoreTests(BundleFixture fixture)
    {
        _fixture = fixture;
        _store = new BundleStore(Path.Combine(_folder.Path, "store"));
        _store.Prepare();
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void BundleInUse_StaysWhole_WithItsSignatures()
    {
        var reference = Keep("oci://registry.example/small:1", BundlePacker.Sign(_fixture.Pack(), "x", _fixture.Builder, isRecursive: true));
        Age(TimeSpan.FromDays(80));
        new StoreCleaner(_store).Clean(s_now);
        var bundle = _store.Open(reference, _store.Find(reference)!);
        bundle.VerifyAllLayers();
        Assert.True(BundleFixture.Trusting(_fixture.Builder).JudgeWhole(bundle, DateTimeOffset.UtcNow).IsBuilt);

        // Opening it was a use: it has its whole life before it again, although the others have not.
        Age(TimeSpan.Zero);
        new StoreCleaner(_store).Clean(s_now + TimeSpan.FromDays(89));
        Assert.NotNull(_store.Find(reference));
    }

    [Fact]
    public void ReferenceThatNobodyUses_IsForgotten_WithItsBlobs()
    {
        var reference = Keep("oci://registry.example/small:1", _fixture.Pack());
        Age(TimeSpan.FromDays(91));
        new StoreCleaner(_store).Clean(s_now);
        Assert.Null(_store.Find(reference));
        Assert.Empty(_store.BlobFiles());
    }

    [Fact]
    public void VersionThatATagHasLeft_GoesAnHourLater()
    {
        var old = _fixture.Pack();
        var reference = Keep("oci://registry.example/small:live", old);
        int shared = _store.BlobFiles().Count();
        Age(TimeSpan.FromDays(3));
        Keep("oci://registry.example/small:live", Another(old));
        Assert.True(_store.BlobFiles().Count() > shared);
        new StoreCleaner(_store).Clean(DateTime.UtcNow + TimeSpan.FromMinutes(50));
        Assert.NotNull(_store.TryRead(old.Manifests[0]));
        new StoreCleaner(_store).Clean(DateTime.UtcNow + TimeSpan.FromMinutes(70));
        Assert.Null(_store.TryRead(old.Manifests[0]));
        _store.Open(reference, _store.Find(reference)!).VerifyAllLayers();
    }

    [Fact]
    public void BrokenDownloads_AreKeptForADay()
    {
        var digest = OciDigest.Of([1]);
        _store.OpenPartial(digest).Dispose();
        new StoreCleaner(_store).Clean(DateTime.UtcNow + TimeSpan.FromHours(23));
        Assert.Single(_store.BlobFiles());
        new StoreCleaner(_store).Clean(DateTime.UtcNow + TimeSpan.FromHours(25));
        Assert.Empty(_store.BlobFiles());
    }

    /// <summary>The same module in an index of its own.</summary>
    private BundleArchive Another(BundleArchive old)
    {
        byte[] module = PluginBundle.Of("x", old).ReadModule();
        return BundleWriter.Make(new BundleLabel("small", "2", "", null), new Dictionary<BuildTarget, byte[]> { [BuildTarget.Wasm] = module });
    }

    private RegistryReference Keep(string text, BundleArchive archive)
    {
        Assert.True(RegistryReference.TryParse(text, out var reference));
        foreach (var (digest, bytes) in archive.Blobs.All) _store.Add(digest, bytes);
        _store.Remember(reference, new StoredBundle(archive.Manifests[0], [.. archive.Manifests.Skip(1)]));
        return reference;
    }

    private void Age(TimeSpan age)
    {
        foreach (string file in Directory.EnumerateFiles(_store.Folder, "*", SearchOption.AllDirectories)) File.SetLastWriteTimeUtc(file, s_now - age);
    }
}
