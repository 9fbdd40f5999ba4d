// Keeps the counts of a model's shadows in a file beside the profile, for `bimetal plan`: every few seconds when they have changed, and at the end.

using Bimetal.Gateway.Telemetry;
using Bimetal.Plugins.Profiles;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Operation;

/// <summary>Belongs to a model.</summary>
internal sealed class ShadowRecords : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly string _path;
    private readonly ILogger _log;
    private readonly List<(LoadedPlugin Loaded, ProfileKey Key)> _plugins;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private long _written;
    private bool _hasWarned;

    private ShadowRecords(string path, List<(LoadedPlugin Loaded, ProfileKey Key)> plugins, TimeProvider time, ILogger log)
    {
        _path = path;
        _plugins = plugins;
        _log = log;
        _timer = time.CreateTimer(static records => ((ShadowRecords)records!).Write(), this, Interval, Interval);
    }

    /// <summary>Null when there is nothing to keep, or no configuration file beside which to keep it.</summary>
    public static ShadowRecords? Begin(string? profile, IReadOnlyList<LoadedPlugin> plugins, TimeProvider time, ILogger log)
    {
        if (profile is null || !plugins.Any(loaded => loaded.Shadow is not null)) return null;
        var kept = new List<(LoadedPlugin Loaded, ProfileKey Key)>();
        foreach (var loaded in plugins.Where(loaded => loaded.Shadow is not null))
        {
            if (ProfileKey.TryOf(loaded.Config) is { } key) kept.Add((loaded, key));
        }

        return kept.Count == 0 ? null : new ShadowRecords(ShadowDocument.PathBeside(profile), kept, time, log);
    }

    public void Dispose()
    {
        _timer.Dispose();
        Write();
    }

    private void Write()
    {
        lock (_gate)
        {
            var records = _plugins.Select(pair => (pair.Loaded, pair.Key, pair.Loaded.Shadow!.Counts)).ToList();
            long compared = records.Sum(record => record.Counts.Compared);
            if (compared == _written) return;
            try
            {
                new ShadowDocument { Plugins = [.. records.Select(record => new ShadowRecord(record.Loaded.Config.Name, record.Key, record.Counts.Compared, record.Counts.Different, record.Counts.Example))] }.Write(_path);
                _written = compared;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                if (!_hasWarned) GatewayLog.ShadowNotKept(_log, _path, exception.Message);
                _hasWarned = true;
            }
        }
    }
}
