// A loaded script guest with its log, and short ways to drive a stream through it.

using System.Text;
using Bimetal.Plugins.Callouts;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.ProxyWasm.State;
using Bimetal.Plugins.Streams;
using Bimetal.Plugins.Tests.Streams;

namespace Bimetal.Plugins.Tests.Guests;

internal sealed class ScriptPlugin : IAsyncDisposable
{
    private ScriptPlugin(Plugin plugin, TestLog log)
    {
        Plugin = plugin;
        Log = log;
    }

    public Plugin Plugin { get; }

    public TestLog Log { get; }

    /// <summary>A third-party plugin, so per-request unless <paramref name="instance"/> says otherwise.</summary>
    public static async Task<ScriptPlugin> LoadAsync(
        string script, InstancePolicy? instance = null, PluginLimits? limits = null, TimeProvider? time = null, string? bundle = null, TestLog? log = null, string rootId = "",
        IHttpCaller? caller = null, string vmConfiguration = "", PluginStates? states = null)
    {
        log ??= new TestLog();
        var services = new PluginHostServices { Log = log, Engine = Guest.Engine, Time = time ?? TimeProvider.System, HttpCaller = caller ?? NoHttpCaller.Instance, States = states ?? new PluginStates() };
        var config = new PluginConfig
        {
            Name = "script",
            RootId = rootId,
            Bundle = bundle ?? Guest.Script,
            Configuration = Encoding.Latin1.GetBytes(script),
            VmConfiguration = Encoding.Latin1.GetBytes(vmConfiguration),
            Instance = instance,

            // Generous, because tests run beside each other; tests of the limits set their own.
            Limits = limits ?? new PluginLimits { CpuPerCallback = TimeSpan.FromSeconds(10), Start = TimeSpan.FromSeconds(10) },
        };
        return new ScriptPlugin(await PluginLoader.LoadAsync(config, services, TestContext.Current.CancellationToken), log);
    }

    public PluginStream Begin(HttpStream? stream = null) =>
        Plugin.TryBegin(stream ?? Headers.Request(), out var failure) ?? throw new InvalidOperationException(failure!.Detail);

    /// <summary>Runs the request headers callback of a new stream and returns what the guest logged.</summary>
    public string[] RunRequestHeaders(HttpStream? stream = null)
    {
        Log.Clear();
        using var pluginStream = Begin(stream);
        pluginStream.OnRequestHeaders(endOfStream: true);
        if (pluginStream.Failure is not null) throw new InvalidOperationException(pluginStream.Failure.Detail);
        return Log.Lines;
    }

    /// <summary>Runs the request headers callback of a new stream, which must fail.</summary>
    public PluginFailure FailRequestHeaders()
    {
        using var stream = Begin();
        stream.OnRequestHeaders(endOfStream: true);
        Assert.NotNull(stream.Failure);
        return stream.Failure;
    }

    public ValueTask DisposeAsync() => Plugin.DisposeAsync();
}
