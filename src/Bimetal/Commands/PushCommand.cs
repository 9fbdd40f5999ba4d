// bimetal push BUNDLE REF

using System.CommandLine;
using Bimetal.Plugins.Bundles.Registry;

namespace Bimetal.Commands;

internal static class PushCommand
{
    internal static ExampleCommand Create()
    {
        var bundle = new Argument<string>("BUNDLE") { Description = "the bundle file" };
        var reference = new Argument<string>("REF") { Description = "where it goes: oci://HOST/REPOSITORY:TAG" };
        var auth = RegistryOptions.AuthFile();
        var ca = RegistryOptions.CaFile();
        var command = new ExampleCommand("push", "Uploads a bundle file, with its signatures, to an OCI registry.", "bimetal push token-auth.bimetal oci://registry.example/edge/token-auth:1.0.0") { bundle, reference, auth, ca };
        command.SetAction((result, cancellation) => RegistryCommandRunner.PushAsync(
            result.GetRequiredValue(bundle), result.GetRequiredValue(reference), RegistryOptions.Files(result, auth, ca), Console.Out, Console.Error, cancellation));
        return command;
    }
}
