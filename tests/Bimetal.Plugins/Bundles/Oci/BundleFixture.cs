// A small plugin, built once for every target, and keys.

using System.Security.Cryptography;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Oci;
using Bimetal.Plugins.Bundles.Signing;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Bundles.Oci;

public sealed class BundleFixture : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    internal PluginFolder Folder { get; private set; } = null!;

    internal IReadOnlyList<BuildOutcome> Outcomes { get; private set; } = [];

    public string Builder { get; private set; } = "";

    public string Publisher { get; private set; } = "";

    /// <summary>An unsigned bundle.</summary>
    internal BundleArchive Pack() => BundlePacker.Pack(Folder, Outcomes);

    public async ValueTask InitializeAsync()
    {
        _folder.Write("plugin.yaml", "name: small\nversion: 1.2.3\ndescription: says which metal\nsources: [small.c]\n");
        _folder.Write("small.c", """
            #include <bimetal_plugin.h>
            static bp_action on(bp_stream s, void *v, bool e)
            {
                (void)v, (void)e;
                bp_header_set(s, BP_REQUEST_HEADERS, "x-small", bp_text("1"));
                return BP_CONTINUE;
            }
            BP_ON_REQUEST_HEADERS(on)
            """);
        Folder = PluginFolder.Open(_folder.Path);
        Outcomes = await BuildMatrix.BuildAsync(Folder, [BuildTarget.Wasm, BuildTarget.CodeX64, BuildTarget.CodeArm64, BuildTarget.LinuxX64, BuildTarget.LinuxMuslX64]);
        Assert.All(Outcomes, outcome => Assert.True(outcome.Result is not null, outcome.Reason));
        Builder = Key("builder");
        Publisher = Key("publisher");
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    internal static SignaturePolicy Trusting(string? builder = null, string? publisher = null, bool required = false) => new()
    {
        Builders = builder is null ? [] : [TrustKey.Load(builder + ".pub")],
        Publishers = publisher is null ? [] : [TrustKey.Load(publisher + ".pub")],
        IsRequired = required,
    };

    private string Key(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _folder.Write(name + ".pem.pub", key.ExportSubjectPublicKeyInfoPem());
        return _folder.Write(name + ".pem", key.ExportECPrivateKeyPem());
    }
}
