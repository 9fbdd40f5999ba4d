// `check` opens what plugins name: a wrong bundle is reported with its line before the gateway runs.

using Bimetal.Gateway.Configuration;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests;

public sealed class BundleCheckTests
{
    [Fact]
    public void WrongBundles_AreReportedWithTheirLine_AndOnlyWhenBundlesAreOpened()
    {
        using var folder = new TemporaryFolder();
        folder.Write("cut.wasm", "\0asm"u8);
        folder.Write("text.bimetal", new string('x', 2000));
        Directory.CreateDirectory(Path.Combine(folder.Path, "source"));
        folder.Write("source/plugin.yaml", "name: source\nversion: 1.0.0\nsources: [source.c]\n");
        folder.Write("source/source.c", "");
        string file = folder.Write("gateway.yaml", """
            listeners: [ { address: 127.0.0.1:0 } ]
            upstreams: { api: { endpoints: [http://127.0.0.1:9] } }
            plugins:
              cut: { bundle: cut.wasm }
              text:
                trust: first-party
                bundle: text.bimetal
              open: { bundle: text.bimetal, on_error: { load: open } }
              source: { bundle: source }
              away: { bundle: "oci://registry.invalid/nobody/nothing:1" }
              never: { bundle: "oci://registry.invalid/nobody/nothing:1", pull: { policy: never } }
              authority: { bundle: "oci://registry.invalid/nobody/nothing:1", pull: { ca_file: text.bimetal } }
            routes: []

            """);
        Assert.NotNull(ConfigReader.Read(file).Config);

        var result = ConfigReader.Read(file, opensBundles: true);
        Assert.Null(result.Config);
        Assert.Equal([(4, "plugins.cut.bundle"), (7, "plugins.text.bundle"), (11, "plugins.never.bundle"), (12, "plugins.authority.bundle")], result.Errors.Select(error => (error.Line, error.Key)));
        Assert.Contains("cut.wasm: byte 0x4:", result.Errors[0].Message, StringComparison.Ordinal);
        Assert.Contains("text.bimetal: it is not a whole tar file", result.Errors[1].Message, StringComparison.Ordinal);
        Assert.EndsWith("; fetch or build the bundle again", result.Errors[1].Message, StringComparison.Ordinal);
        Assert.EndsWith("pull.policy is never; run: bimetal pull oci://registry.invalid/nobody/nothing:1", result.Errors[2].Message, StringComparison.Ordinal);
        Assert.EndsWith("there is no certificate in it; name a PEM file with the registry's authority", result.Errors[3].Message, StringComparison.Ordinal);
        Assert.Equal([(8, "plugins.open.bundle"), (9, "plugins.source.bundle")], result.Warnings.Select(warning => (warning.Line, warning.Key)));
        Assert.Contains("run: bimetal build", result.Warnings[1].Message, StringComparison.Ordinal);
    }
}
