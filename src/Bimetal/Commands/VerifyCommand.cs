// bimetal verify BUNDLE --key K

using System.CommandLine;
using Bimetal.Plugins.Bundles.Signing;

namespace Bimetal.Commands;

internal static class VerifyCommand
{
    internal static ExampleCommand Create()
    {
        var bundle = new Argument<string>("BUNDLE") { Description = "the bundle file" };
        var key = new Option<string[]>("--key") { Description = "a public key or a certificate (PEM, P-256); may be given more than once", HelpName = "KEY", Required = true };
        var command = new ExampleCommand("verify", "Checks every byte of a bundle file, and that one of the keys signed it.", "bimetal verify token-auth.bimetal --key builder.pub.pem") { bundle, key };
        command.SetAction(result => SignatureCommandRunner.Verify(result.GetRequiredValue(bundle), result.GetRequiredValue(key), Console.Out, Console.Error));
        return command;
    }
}
