// Watches the configuration file, and those that it names for that (certificates), by looking at them: what they resolve to, time and size. That
// sees a write in place, a rename over it and a symbolic link that is switched (Kubernetes mounts a ConfigMap so), on every file system;
// notifications see only some of these.

namespace Bimetal.Gateway.Operation;

/// <summary>Calls back when a file has changed and then stayed the same for one interval, so that a half-written file is rarely read.</summary>
internal sealed class FileWatch : IAsyncDisposable
{
    private readonly Func<IEnumerable<string>> _paths;
    private readonly TimeSpan _interval;
    private readonly Func<Task> _changed;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _watching;

    /// <param name="paths">Asked before each look; a file that it names for the first time has not changed.</param>
    public FileWatch(Func<IEnumerable<string>> paths, TimeSpan interval, Func<Task> changed)
    {
        _paths = paths;
        _interval = interval;
        _changed = changed;
        var first = LookAtAll();
        _watching = Task.Run(() => WatchAsync(first));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching;
        _stop.Dispose();
    }

    private async Task WatchAsync(Dictionary<string, FileState> acted)
    {
        var last = new Dictionary<string, FileState>(acted);
        while (true)
        {
            await Task.Delay(_interval, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_stop.IsCancellationRequested) return;
            var now = LookAtAll();
            bool isSteady = true, isChanged = false;
            foreach (var (path, state) in now)
            {
                // A file that is gone is one that somebody is about to put there again.
                acted.TryAdd(path, state);
                isSteady &= !last.TryGetValue(path, out var before) || before == state;
                isChanged |= state != FileState.Absent && acted[path] != state;
            }

            last = now;
            if (!isSteady || !isChanged) continue;
            foreach (var (path, state) in now)
            {
                if (state != FileState.Absent) acted[path] = state;
            }

            await _changed();
        }
    }

    private Dictionary<string, FileState> LookAtAll()
    {
        var states = new Dictionary<string, FileState>();
        foreach (string path in _paths()) states[path] = Look(path);
        return states;
    }

    private static FileState Look(string path)
    {
        try
        {
            // A link in a folder above the file can be the one that is switched.
            string folder = RealFolder(Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/");
            var file = new FileInfo(Path.Combine(folder, Path.GetFileName(path)));
            var target = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
            string real = Path.Combine(RealFolder(target.DirectoryName ?? "/"), target.Name);
            return target.Exists ? new FileState(real, target.LastWriteTimeUtc, target.Length) : FileState.Absent;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return FileState.Absent;
        }
    }

    private static string RealFolder(string folder)
    {
        string real = "/";
        foreach (string name in folder.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var step = new DirectoryInfo(Path.Combine(real, name));
            real = step.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? step.FullName;
        }

        return real;
    }

    private readonly record struct FileState(string RealPath, DateTime WrittenAt, long LengthBytes)
    {
        public static FileState Absent { get; } = new("", default, -1);
    }
}
