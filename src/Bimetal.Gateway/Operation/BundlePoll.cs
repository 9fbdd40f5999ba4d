// Looks the tags of plugin bundles up again, each at its own interval, and has the configuration loaded anew when one has moved: plugins whose bundle
// is the same are taken over, so only the new one starts. What cannot be fetched or loaded changes nothing.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Telemetry;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles.Registry;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Operation;

/// <summary>Runs until it is stopped.</summary>
/// <param name="config">The configuration in force.</param>
/// <param name="changed">Loads it again.</param>
internal sealed class BundlePoll(Func<GatewayConfig> config, RegistryBundles bundles, Func<Task> changed, TimeProvider time, ILogger log)
{
    /// <summary>The longest sleep: a reload may have added a plugin.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_shortest = TimeSpan.FromMilliseconds(50);

    private readonly Dictionary<string, long> _askedAt = [];

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            bool hasMoved = false;
            var sleep = s_longest;
            foreach (var plugin in config().Plugins.Values.Where(plugin => plugin.Pull.Interval is not null && RegistryBundles.IsReference(plugin.Bundle)))
            {
                var left = LeftOf(plugin);
                if (left <= TimeSpan.Zero)
                {
                    hasMoved |= await HasMovedAsync(plugin, stop);
                    _askedAt[plugin.Name] = time.GetTimestamp();
                    left = plugin.Pull.Interval!.Value;
                }

                if (left < sleep) sleep = left;
            }

            if (hasMoved && !stop.IsCancellationRequested) await changed();
            await Task.Delay(sleep < s_shortest ? s_shortest : sleep, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // A plugin that was just loaded has just been looked up.
    private TimeSpan LeftOf(PluginConfig plugin)
    {
        if (_askedAt.TryAdd(plugin.Name, time.GetTimestamp())) return plugin.Pull.Interval!.Value;
        return plugin.Pull.Interval!.Value - time.GetElapsedTime(_askedAt[plugin.Name]);
    }

    private async Task<bool> HasMovedAsync(PluginConfig plugin, CancellationToken stop)
    {
        try
        {
            return await bundles.PollAsync(plugin, stop);
        }
        catch (Exception exception)
        {
            if (!stop.IsCancellationRequested) GatewayLog.BundleNotPolled(log, plugin.Name, exception is PluginLoadException ? exception.Message : exception.ToString());
            return false;
        }
    }
}
