// The section signatures:, whose keys vouch for plugin bundles.

using Bimetal.Plugins;
using Bimetal.Plugins.Bundles.Signing;

namespace Bimetal.Gateway.Configuration;

internal static class SignatureReader
{
    private const string Remedy = "name PEM files with public keys or certificates on P-256, such as [keys/builder.pub.pem]";

    public static SignaturePolicy Read(ConfigMapping root, string folder)
    {
        if (root.Mapping("signatures") is not { } section) return SignaturePolicy.None;
        var policy = new SignaturePolicy
        {
            Publishers = ReadKeys(section, "publishers", folder),
            Builders = ReadKeys(section, "builders", folder),
            IsRequired = section.Flag("require", absent: false),
        };
        if (policy.IsRequired && policy.Publishers.Count + policy.Builders.Count == 0)
            section.Error("require", "is true, and there is no key, so no bundle could ever be loaded", "name keys under publishers or builders");
        section.Finish();
        return policy;
    }

    private static List<TrustKey> ReadKeys(ConfigMapping section, string key, string folder)
    {
        var keys = new List<TrustKey>();
        foreach (string file in section.Texts(key, Remedy))
        {
            try
            {
                keys.Add(TrustKey.Load(Path.GetFullPath(file, folder)));
            }
            catch (PluginLoadException exception)
            {
                section.Error(key, exception.Message);
            }
        }

        return keys;
    }
}
