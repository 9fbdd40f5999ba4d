// A plugin folder with two builds that nobody loads, and a profile that is valid for it.

using Bimetal.Gateway.Configuration;
using Bimetal.Plugins;
using Bimetal.Plugins.Profiles;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests.Support;

internal sealed class ProfiledPlugin : IDisposable
{
    public const string Name = "profiled";

    private readonly TemporaryFolder _folder = new();
    private readonly PluginConfig _config;

    public ProfiledPlugin()
    {
        _folder.Write("plugin.yaml", "name: profiled\nversion: 0.1.0\nsources: [profiled.c]\n");
        _folder.Write("profiled.c", "");
        foreach (string build in (string[])["build/plugin.wasm", "build/linux-x64/plugin.so", "build/linux-arm64/plugin.so"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_folder.Path, build))!);
            _folder.Write(build, build);
        }

        _config = new PluginConfig { Name = Name, Bundle = _folder.Path, Trust = Trust.FirstParty };
        Write(ProfileKey.TryOf(_config)!);
    }

    public string ProfilePath => Path.Combine(_folder.Path, ProfileDocument.DefaultFileName);

    /// <summary>Puts plugin and profile into a configuration that has a plugin of that name.</summary>
    public GatewayConfig AddTo(GatewayConfig config) => config with
    {
        Profile = ProfilePath,
        Plugins = config.Plugins.ToDictionary(pair => pair.Key, pair => pair.Key == Name ? _config : pair.Value),
    };

    /// <summary>From now on the profile is of another build.</summary>
    public void Outdate() => Write(ProfileKey.TryOf(_config)! with { Wasm = "another" });

    public void Dispose() => _folder.Dispose();

    private void Write(ProfileKey key) => new ProfileDocument
    {
        Rps = 1000,
        Plugins =
        [
            new PluginProfile
            {
                Plugin = Name, Key = key, Measured = "2026-01-01T00:00:00Z", Input = "5 good cases", Rounds = 40,
                Native = new MetalCost(2, 7, 8), Wasm = new MetalCost(6, 21, 23), TaxUs = 4, TaxIntervalUs = [3.5, 4.5], SameResult = true,
            },
        ],
    }.Write(ProfilePath);
}
