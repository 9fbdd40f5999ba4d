// A plugin that says in a response field which version it is, built, signed and pushed by the published binary as its author would.

using System.Security.Cryptography;
using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

/// <param name="folder">Sources, bundles and keys go there.</param>
internal sealed class StampPlugin(TemporaryFolder folder)
{
    /// <summary>Path of the public key of a name; the key pair is made when it is asked for first.</summary>
    internal string PublicKey(string name)
    {
        string path = Path.Combine(folder.Path, name + ".pub.pem");
        if (File.Exists(path)) return path;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        folder.Write(name + ".pem", key.ExportECPrivateKeyPem());
        return folder.Write(name + ".pub.pem", key.ExportSubjectPublicKeyInfoPem());
    }

    internal string PrivateKey(string name)
    {
        PublicKey(name);
        return Path.Combine(folder.Path, name + ".pem");
    }

    /// <summary>Builds a version and signs it.</summary>
    /// <param name="signer">Name of a key; null: it stays unsigned.</param>
    /// <returns>The bundle file.</returns>
    internal async Task<string> BuildAsync(string version, string? signer)
    {
        string source = Directory.CreateDirectory(Path.Combine(folder.Path, version)).FullName, bundle = source + ".bimetal";
        await File.WriteAllTextAsync(Path.Combine(source, "plugin.yaml"), $"name: stamp\nversion: 1.0.0\ndescription: {version}\nsources: [stamp.c]\nlatency_budget: 700us\n");
        await File.WriteAllTextAsync(Path.Combine(source, "stamp.c"), $$"""
            #include <bimetal_plugin.h>
            static bp_action on(bp_stream s, void *v, bool e)
            {
                (void)v, (void)e;
                bp_header_set(s, BP_RESPONSE_HEADERS, "x-stamp", bp_text("{{version}}"));
                return BP_CONTINUE;
            }
            BP_ON_RESPONSE_HEADERS(on)
            """);
        string[] sign = signer is null ? [] : ["--key", PrivateKey(signer)];
        await RunAsync(["build", source, "--targets", "wasm", "-o", bundle, .. sign]);
        if (signer is not null) await RunAsync(["verify", bundle, "--key", PublicKey(signer)]);
        return bundle;
    }

    internal async Task PublishAsync(string version, string? signer, string reference) => await RunAsync(["push", await BuildAsync(version, signer), reference]);

    /// <summary>The version that a node answers with; "status N" when it does not answer with 200.</summary>
    internal static async Task<string> VersionAsync(RunningGateway node)
    {
        using var response = await node.Client.GetAsync(new Uri("/stamped", UriKind.Relative));
        return (int)response.StatusCode == 200 && response.Headers.TryGetValues("x-stamp", out var values) ? string.Join(',', values) : $"status {(int)response.StatusCode}";
    }

    internal static async Task RunAsync(string[] arguments)
    {
        var result = await BimetalProcess.RunAsync(arguments);
        Assert.True(result.ExitCode == 0, result.All);
    }
}
