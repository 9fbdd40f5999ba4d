// Options that push and pull share.

using System.CommandLine;
using Bimetal.Plugins.Bundles.Registry;

namespace Bimetal.Commands;

internal static class RegistryOptions
{
    internal static Option<string?> AuthFile() => new("--auth-file")
    {
        Description = "logins, as docker writes them (default: $REGISTRY_AUTH_FILE, $DOCKER_CONFIG/config.json, ~/.docker/config.json)", HelpName = "FILE",
    };

    internal static Option<string?> CaFile() => new("--ca-file")
    {
        Description = "certificates (PEM) of the registry's own authority, believed beside the system's ($SSL_CERT_FILE)", HelpName = "FILE",
    };

    internal static RegistryFiles Files(ParseResult result, Option<string?> auth, Option<string?> ca) => new(result.GetValue(auth), result.GetValue(ca));
}
