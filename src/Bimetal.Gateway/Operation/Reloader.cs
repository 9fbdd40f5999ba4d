// Reads the configuration again when it is told to, and says what came of it: to the log, to the admin listener, to the service manager.

using System.Diagnostics;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Telemetry;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Operation;

/// <summary>What one reload came to.</summary>
/// <param name="Trigger">Who asked: <c>file</c>, <c>SIGHUP</c>, <c>admin</c> or <c>registry</c>.</param>
/// <param name="Problems">Why nothing changed, one line each; empty when the configuration is in force.</param>
/// <param name="Generation">Of the model that is in force afterwards.</param>
internal sealed record ReloadOutcome(string Trigger, DateTimeOffset At, TimeSpan Duration, IReadOnlyList<string> Problems, IReadOnlyList<string> Warnings, int Generation)
{
    public bool IsApplied => Problems.Count == 0;
}

/// <summary>Reloads one at a time; a request that comes meanwhile waits, because the file may have changed again.</summary>
/// <param name="read">Reads the configuration; null when the gateway was started without a file.</param>
/// <param name="apply">Makes it the one in force and gives its generation, or throws <see cref="GatewayStartException"/> and changes nothing.</param>
internal sealed class Reloader(Func<ConfigResult>? read, Func<GatewayConfig, Task<int>> apply, Func<int> generation, ServiceNotify? notify, TimeProvider time, ILogger log) : IDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private long _applied;
    private long _refused;

    public ReloadOutcome? Last { get; private set; }

    public long Applied => Interlocked.Read(ref _applied);

    public long Refused => Interlocked.Read(ref _refused);

    public async Task<ReloadOutcome> ReloadAsync(string trigger)
    {
        await _gate.WaitAsync();
        try
        {
            var at = time.GetUtcNow();
            long started = Stopwatch.GetTimestamp();
            notify?.Reloading();
            var (problems, warnings) = await TryAsync();
            notify?.Ready(problems.Count == 0 ? "serving" : "serving; the last reload was refused");
            var outcome = new ReloadOutcome(trigger, at, Stopwatch.GetElapsedTime(started), problems, warnings, generation());
            Report(outcome);
            return Last = outcome;
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose() => _gate.Dispose();

    private async Task<(IReadOnlyList<string> Problems, IReadOnlyList<string> Warnings)> TryAsync()
    {
        if (read is null) return (["the gateway was not started from a file"], []);
        try
        {
            var result = read();
            IReadOnlyList<string> warnings = [.. result.Warnings.Select(warning => warning.ToString())];
            if (result.Config is null) return ([.. result.Errors.Select(error => error.ToString())], warnings);
            await apply(result.Config);
            return ([], warnings);
        }
        catch (GatewayStartException exception)
        {
            return (exception.Message.Split(Environment.NewLine), []);
        }
        catch (Exception exception)
        {
            // A bug while reloading must not take down what serves.
            return ([exception.ToString()], []);
        }
    }

    private void Report(ReloadOutcome outcome)
    {
        foreach (string warning in outcome.Warnings) GatewayLog.ReloadWarning(log, warning);
        if (outcome.IsApplied)
        {
            Interlocked.Increment(ref _applied);
            GatewayLog.Reloaded(log, outcome.Trigger, outcome.Generation, (long)outcome.Duration.TotalMilliseconds);
            return;
        }

        Interlocked.Increment(ref _refused);
        foreach (string problem in outcome.Problems) GatewayLog.ReloadProblem(log, problem);
        GatewayLog.ReloadRefused(log, outcome.Trigger, outcome.Generation);
    }
}
