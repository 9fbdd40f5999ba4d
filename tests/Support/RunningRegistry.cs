// Debian's docker-registry on a port of the system's choosing, with a folder of its own. It can be stopped and started again, at the same port or another.

using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Bimetal.Testing;

/// <summary>A real registry on loopback. Dispose ends it.</summary>
public sealed partial class RunningRegistry : IAsyncDisposable
{
    /// <summary>The only login that a registry with a password takes.</summary>
    public const string User = "edge";
    public const string Password = "secret";

    private const string PasswordLine = User + ":$2b$04$n8fMpIOGOKNdBfoCzzWZ1.NWE4h49.8/iW/K7xoUuvLvfDLaCZgH.\n";
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private readonly TemporaryFolder _folder = new();
    private readonly string _http;
    private readonly string _auth;
    private Process? _process;

    private RunningRegistry(bool hasPassword, string http, string auth)
    {
        _http = http;
        _auth = hasPassword ? $"htpasswd: {{ realm: edge, path: {_folder.Write("passwords", PasswordLine)} }}" : auth;
    }

    /// <summary>Host and port, as they stand in references.</summary>
    public string Host { get; private set; } = "127.0.0.1:0";

    /// <param name="http">More of its section http, such as tls.</param>
    /// <param name="auth">Its section auth.</param>
    public static async Task<RunningRegistry> StartAsync(bool hasPassword = false, string http = "", string auth = "")
    {
        var registry = new RunningRegistry(hasPassword, http, auth);
        await registry.StartAgainAsync();
        return registry;
    }

    /// <summary>Starts it, at the port that it had before if it had one.</summary>
    public async Task StartAgainAsync()
    {
        string auth = _auth.Length > 0 ? $"auth: {{ {_auth} }}\n" : "";
        string config = _folder.Write("config.yml", $"version: 0.1\nlog: {{ level: info }}\nstorage: {{ filesystem: {{ rootdirectory: {_folder.Path}/data }}, delete: {{ enabled: true }} }}\nhttp: {{ addr: \"{Host}\"{(_http.Length > 0 ? ", " : "")}{_http} }}\n{auth}");
        var clock = Stopwatch.StartNew();
        while (true)
        {
            // The port may be another's for a moment, when it starts again.
            if (await TryStartAsync(config, s_limit - clock.Elapsed) is { } host)
            {
                Host = host;
                return;
            }

            if (clock.Elapsed > s_limit) throw new TimeoutException($"docker-registry does not listen at {Host}");
            await Task.Delay(100);
        }
    }

    private async Task<string?> TryStartAsync(string config, TimeSpan patience)
    {
        var start = new ProcessStartInfo("docker-registry", ["serve", config]) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["OTEL_TRACES_EXPORTER"] = "none";
        _process = Process.Start(start)!;
        var listening = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Look(string? line)
        {
            if (line is not null && Listening().Match(line) is { Success: true } match) listening.TrySetResult(match.Groups["host"].Value);
        }

        _process.ErrorDataReceived += (_, line) => Look(line.Data);
        _process.OutputDataReceived += (_, line) => Look(line.Data);
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        if (patience < TimeSpan.FromSeconds(1)) patience = TimeSpan.FromSeconds(1);
        await Task.WhenAny(listening.Task, _process.WaitForExitAsync(), Task.Delay(patience));
        if (listening.Task.IsCompletedSuccessfully && !_process.HasExited) return await listening.Task;
        await StopAsync();
        return null;
    }

    public async Task StopAsync()
    {
        if (_process is not { } process) return;
        _process = null;
        if (!process.HasExited) process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _folder.Dispose();
    }

    [GeneratedRegex("listening on (?<host>[0-9.]+:[0-9]+)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Listening();
}
