// Options that push and pull share.

using System.CommandLine;

namespace Bimetal.Commands;

internal static class RegistryOptions
{
    internal static Option<string?> AuthFile() => new("--auth-file")
    {
        Description = "logins, as docker writes them (default: $REGISTRY_AUTH_FILE, $DOCKER_CONFIG/config.json, ~/.docker/config.json)", HelpName = "FILE",
    };
}
