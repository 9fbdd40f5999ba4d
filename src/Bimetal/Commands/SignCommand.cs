// bimetal sign BUNDLE --key K

using System.CommandLine;
using Bimetal.Plugins.Bundles.Signing;

namespace Bimetal.Commands;

internal static class SignCommand
{
    internal static ExampleCommand Create()
    {
        var bundle = new Argument<string>("BUNDLE") { Description = "the bundle file" };
        var key = new Option<string>("--key") { Description = "a private key (PEM, P-256)", HelpName = "KEY", Required = true };
        var recursive = new Option<bool>("--recursive") { Description = "sign each manifest in it as well: a signature over the module then outlives a rebuild (build --from)" };
        var command = new ExampleCommand("sign", "Signs a bundle file: ECDSA P-256 over its digest, in cosign's layout.", "bimetal sign token-auth.bimetal --key builder.pem") { bundle, key, recursive };
        command.SetAction(result => SignatureCommandRunner.Sign(result.GetRequiredValue(bundle), result.GetRequiredValue(key), result.GetValue(recursive), Console.Out, Console.Error));
        return command;
    }
}
