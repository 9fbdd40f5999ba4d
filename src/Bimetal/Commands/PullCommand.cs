// bimetal pull REF

using System.CommandLine;
using Bimetal.Plugins.Bundles.Registry;

namespace Bimetal.Commands;

internal static class PullCommand
{
    internal static ExampleCommand Create()
    {
        var reference = new Argument<string>("REF") { Description = "oci://HOST/REPOSITORY:TAG, with @sha256:… behind it to take nothing else" };
        var output = new Option<string?>("-o") { Description = "where the bundle goes (default: the repository's last name, here)", HelpName = "OUT.bimetal" };
        var auth = RegistryOptions.AuthFile();
        var ca = RegistryOptions.CaFile();
        var command = new ExampleCommand(
            "pull",
            "Downloads a bundle, or a wasm image made for Istio, Envoy Gateway or Higress, from an OCI registry.",
            "bimetal pull oci://registry.example/edge/token-auth:1.0.0 -o token-auth.bimetal") { reference, output, auth, ca };
        command.SetAction((result, cancellation) => RegistryCommandRunner.PullAsync(
            result.GetRequiredValue(reference), result.GetValue(output), RegistryOptions.Files(result, auth, ca), Console.Out, Console.Error, cancellation));
        return command;
    }
}
