// The other metal of a plugin, on a sample of its requests, after their answers went out. It lives through recordings one after the other on a thread of
// its own pace: no request waits for it, and what it does goes nowhere.

using System.Threading.Channels;
using Bimetal.Plugins.Callouts;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Profiles;
using Bimetal.Plugins.ProxyWasm.State;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Shadow;

/// <summary>The <c>shadow:</c> key.</summary>
/// <param name="Metal">Where the shadow runs.</param>
/// <param name="Sample">Share (0 to 1) of the requests.</param>
public sealed record ShadowConfig(Metal Metal, double Sample);

/// <summary>Thread-safe.</summary>
public sealed class ShadowPlugin : IAsyncDisposable
{
    /// <summary>Recordings that wait; further ones are dropped and counted.</summary>
    private const int MaximumWaiting = 64;

    private readonly Plugin _plugin;
    private readonly double _sample;
    private readonly Channel<ShadowRecording> _waiting = Channel.CreateBounded<ShadowRecording>(new BoundedChannelOptions(MaximumWaiting) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });
    private readonly Task _running;
    private long _compared;
    private long _different;
    private long _dropped;
    private volatile string? _example;

    /// <summary>The first difference, once, on the shadow's thread.</summary>
    public Action<string>? Differed { get; set; }

    private ShadowPlugin(Plugin plugin, double sample)
    {
        _plugin = plugin;
        _sample = sample;
        _running = Task.Run(RunAsync);
    }

    public Metal Metal => _plugin.Metal;

    /// <summary>What was compared, what came out otherwise, and the first such difference in words.</summary>
    public ShadowCounts Counts => new(Interlocked.Read(ref _compared), Interlocked.Read(ref _different), _example);

    /// <summary>Recordings that were not compared: the shadow was too slow for the sample, or an exchange too large to be kept.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Times of the shadow's own requests: those of its callbacks together.</summary>
    public TimeHistogram Times { get; } = new();

    /// <summary>Loads the shadow of a plugin: with shared data of its own, no way to the network and no voice in the log.</summary>
    /// <exception cref="PluginLoadException">It cannot be loaded, or is third-party native code.</exception>
    public static async Task<ShadowPlugin> LoadAsync(PluginConfig config, ShadowConfig shadow, PluginHostServices services, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(shadow);
        ArgumentNullException.ThrowIfNull(services);
        if (shadow.Metal == Metal.Native && config.Trust != Trust.FirstParty) throw new PluginLoadException($"{config.Bundle}: plugin {config.Name} is third-party, and third-party code never runs native, not as a shadow either");
        var own = config with { Metal = shadow.Metal == Metal.Native ? MetalChoice.Native : MetalChoice.Wasm };
        var apart = Taped(services) with { States = new PluginStates(services.States.Memory), HttpCaller = NoHttpCaller.Instance, Log = SilentPluginLog.Instance };
        return new ShadowPlugin(await PluginLoader.LoadAsync(own, apart, cancellation), shadow.Sample);
    }

    /// <summary>A shadow of a plugin that is loaded already; it ends with the shadow.</summary>
    internal static ShadowPlugin Of(Plugin plugin, double sample) => new(plugin, sample);

    /// <summary>The services for a plugin that has a shadow: its clock can be recorded.</summary>
    public static PluginHostServices Taped(PluginHostServices services)
    {
        ArgumentNullException.ThrowIfNull(services);

        // Both are made at first use, and a copy before that would make others.
        _ = services.Engine;
        _ = services.Bundles;
        return services with { Time = new TapedTime(services.Time) };
    }

    /// <summary>Records a stream of the primary, if it is in the sample. Call it before the first callback.</summary>
    public void Sample(PluginStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (Random.Shared.NextDouble() < _sample) stream.Record(this);
    }

    /// <summary>The primary's stream is over.</summary>
    internal void Take(ShadowRecording recording)
    {
        if (recording.IsTooLarge || !_waiting.Writer.TryWrite(recording)) Interlocked.Increment(ref _dropped);
    }

    /// <summary>Waits until everything that waits now has been compared; for tests.</summary>
    internal async Task SettleAsync(CancellationToken cancellation)
    {
        while (_waiting.Reader.Count > 0 || Volatile.Read(ref _isBusy)) await Task.Delay(2, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        while (_waiting.Reader.TryRead(out _)) Interlocked.Increment(ref _dropped);
        await _running;
        await _plugin.DisposeAsync();
    }

    private bool _isBusy;

    private async Task RunAsync()
    {
        while (await _waiting.Reader.WaitToReadAsync())
        {
            Volatile.Write(ref _isBusy, true);
            while (_waiting.Reader.TryRead(out var recording)) Compare(recording);
            Volatile.Write(ref _isBusy, false);
        }
    }

    private void Compare(ShadowRecording recording)
    {
        string? difference;
        try
        {
            difference = Replay(recording);
        }
        catch (Exception exception)
        {
            // A bug of ours must not end the comparing, and is a finding.
            difference = "the comparison itself failed: " + exception.Message;
        }

        Interlocked.Increment(ref _compared);
        if (difference is null) return;
        Interlocked.Increment(ref _different);
        if (_example is not null) return;
        _example = difference;
        Differed?.Invoke(difference);
    }

    /// <summary>Lives through a recording; the first difference in words, or null.</summary>
    private string? Replay(ShadowRecording recording)
    {
        using var stream = _plugin.TryBegin(recording.NewStream(), out var failure);
        if (stream is null) return $"the shadow is not available: {failure?.Detail}";
        long started = System.Diagnostics.Stopwatch.GetTimestamp();
        long tookTicks = 0;
        foreach (var callback in recording.Callbacks)
        {
            callback.Before.Restore(stream.View);
            var tape = HostTape.Replaying(callback.Tape);
            FilterAction action;
            started = System.Diagnostics.Stopwatch.GetTimestamp();
            using (tape.Enter()) action = stream.Make(callback.Callback, callback.EndOfStream);
            tookTicks += System.Diagnostics.Stopwatch.GetTimestamp() - started;
            tape.End();
            if (Difference(callback, stream, action, tape) is { } found) return $"{callback.Callback}: {found}";
            if (callback.Failure is not null) break;
        }

        Times.Record((long)System.Diagnostics.Stopwatch.GetElapsedTime(0, tookTicks).TotalNanoseconds);
        return null;
    }

    private static string? Difference(RecordedCallback callback, PluginStream stream, FilterAction action, HostTape tape)
    {
        if (stream.Failure?.Kind != callback.Failure) return $"the primary {Ended(callback.Failure)}, the shadow {Ended(stream.Failure?.Kind)}";
        if (callback.Failure is not null) return null;
        if (tape.Difference is { } call) return "the shadow " + call;
        if (callback.After.DifferenceFrom(ExchangeState.Of(stream.View)) is { } left) return left;
        return action == callback.Action ? null : $"the primary wanted {callback.Action}, the shadow {action}";
    }

    private static string Ended(FailureKind? failure) => failure is { } kind ? $"failed ({kind})" : "did not fail";
}
