// What the plugin host needs from whoever runs it: the gateway, the meter, or a test.

using Bimetal.Plugins.Bundles.Registry;
using Bimetal.Plugins.Callouts;
using Bimetal.Plugins.ProxyWasm;
using Bimetal.Plugins.ProxyWasm.State;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Engine;

namespace Bimetal.Plugins;

/// <summary>Levels of a plugin's log lines; the numbers are those of <c>proxy_log_level_t</c>.</summary>
public enum PluginLogLevel
{
    Trace = 0,
    Debug = 1,
    Info = 2,
    Warn = 3,
    Error = 4,
    Critical = 5,
}

/// <summary>Takes log lines of plugins and about plugins. Called on any thread.</summary>
public interface IPluginLog
{
    /// <summary>Lines below this level are thrown away by the caller; plugins can ask for it.</summary>
    PluginLogLevel MinimumLevel { get; }

    /// <summary>Writes one line; <paramref name="message"/> is UTF-8 by custom, but a plugin's bytes can be anything.</summary>
    void Write(PluginLogLevel level, string plugin, ReadOnlySpan<byte> message);
}

/// <summary>A log that throws everything away.</summary>
public sealed class SilentPluginLog : IPluginLog
{
    public static SilentPluginLog Instance { get; } = new();

    public PluginLogLevel MinimumLevel => PluginLogLevel.Critical;

    public void Write(PluginLogLevel level, string plugin, ReadOnlySpan<byte> message)
    {
    }
}

/// <summary>What plugins of one host share. Immutable, thread-safe.</summary>
public sealed record PluginHostServices
{
    public IPluginLog Log { get; init; } = SilentPluginLog.Instance;

    /// <summary>Clock and timers that plugins see.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    // So many instances at once are nothing special; with less room, some requests would be refused for want of an instance.
    private const int GuardedMemories = 64;

    /// <summary>How the wasm builds of plugins are compiled: a clone's reset knows what was written.</summary>
    public static CompileOptions CodeOptions { get; } = new() { MarkWrites = true };

    /// <summary>Compiles and loads wasm modules; by default with the user's cache of compiled code.</summary>
    public WasmEngine Engine
    {
        get => field ??= new WasmEngine(new EngineOptions { Cache = CodeCache.ForUser(), Compile = CodeOptions, GuardedMemories = GuardedMemories });
        init;
    }

    /// <summary>Bundles of registries, with their store.</summary>
    public RegistryBundles Bundles
    {
        get => field ??= new RegistryBundles();
        init;
    }

    /// <summary>Makes the HTTP requests of plugins.</summary>
    public IHttpCaller HttpCaller { get; init; } = NoHttpCaller.Instance;

    /// <summary>Functions beside the ABI.</summary>
    public ForeignFunctions ForeignFunctions { get; init; } = ForeignFunctions.Standard;

    /// <summary>Shared data, queues and metrics of plugins.</summary>
    public PluginStates States { get; init; } = new();

    /// <summary>One stream in this many has its times taken; a power of two.</summary>
    public int MeasureOneIn { get; init; } = PluginStatistics.DefaultMeasureOneIn;

    /// <summary>Writes a line of the host itself about a plugin.</summary>
    public void Report(PluginLogLevel level, string plugin, string message)
    {
        if (level >= Log.MinimumLevel) Log.Write(level, plugin, System.Text.Encoding.UTF8.GetBytes(message));
    }
}

/// <summary>A plugin that cannot be loaded or configured; the message is one line for a person and names the file.</summary>
public sealed class PluginLoadException(string message, Exception? inner = null) : Exception(message, inner);
