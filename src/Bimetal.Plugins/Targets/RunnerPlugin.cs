// A plugin in a runner, as the case runner sees it: like one of the gateway's own, but that its callbacks happen in another process.

using Bimetal.Plugins.Bundles.Cases;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Streams;
using Bimetal.Wasm.Abi;

namespace Bimetal.Plugins.Targets;

/// <summary>One plugin, one stream at a time.</summary>
internal sealed class RunnerPlugin : Plugin
{
    private readonly RunnerProcess _process;
    private readonly int _bodyLimitBytes = new PluginLimits().BodyBufferBytes;

    private RunnerPlugin(RunnerProcess process, Metal metal, RunnerHost host)
    {
        _process = process;
        Metal = metal;
        Host = host;
    }

    public override Metal Metal { get; }

    public RunnerHost Host { get; }

    /// <summary>Bit of each callback that the plugin has, from the request's headers on.</summary>
    public uint Callbacks { get; private set; }

    /// <summary>Starts a runner and configures the plugin in it. The plugin owns the process from then on.</summary>
    /// <exception cref="PluginLoadException">It cannot be loaded there, or refused its configuration.</exception>
    public static RunnerPlugin Start(string name, string rootId, Metal metal, RunnerProcess process, CaseConfiguration configuration, PluginHostServices services)
    {
        var plugin = new RunnerPlugin(process, metal, new RunnerHost(name, rootId, services)) { Name = name };
        try
        {
            var result = plugin.Send(new RunnerMessage(RunnerCommand.Configure).Text(configuration.Plugin).Text(configuration.Vm));
            if (result.Value != 0) throw new PluginLoadException($"the plugin '{name}' refused its configuration{(plugin.Host.LastError is { } reason ? ": " + reason : "")}");
            plugin.Callbacks = new RunnerReader(result.Rest).Number();
            return plugin;
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    public override PluginStream? TryBegin(HttpStream stream, out PluginFailure? failure)
    {
        failure = null;
        return new RunnerStream(this, stream, _bodyLimitBytes);
    }

    public override ValueTask DisposeAsync()
    {
        _process.Dispose();
        return ValueTask.CompletedTask;
    }

    internal RunnerResult Send(RunnerMessage command) => _process.Send(command, Host.Answer);
}

/// <summary>One exchange in a runner.</summary>
internal sealed class RunnerStream : PluginStream
{
    private const int MaximumAction = 4;

    private readonly RunnerPlugin _plugin;

    public RunnerStream(RunnerPlugin plugin, HttpStream stream, int bodyLimitBytes)
        : base(plugin, stream, bodyLimitBytes)
    {
        _plugin = plugin;
        plugin.Host.View = View;
        plugin.Send(new RunnerMessage(RunnerCommand.Begin));
    }

    public override bool WantsRequestBody => Has(StreamCallback.RequestBody);

    public override bool WantsResponseBody => Has(StreamCallback.ResponseBody);

    protected override FilterAction Invoke(StreamCallback callback, int size, bool endOfStream)
    {
        View.Enter(callback, endOfStream);
        return View.Leave(Call(callback, size, endOfStream));
    }

    protected override void Release()
    {
        _plugin.Send(new RunnerMessage(RunnerCommand.End));
        _plugin.Host.View = null;
    }

    protected override bool Has(StreamCallback callback) => (_plugin.Callbacks & Bit(callback)) != 0;

    private static uint Bit(StreamCallback callback) => 1u << Index(callback);

    private static int Index(StreamCallback callback) => callback - StreamCallback.RequestHeaders;

    private FilterAction Call(StreamCallback callback, int size, bool endOfStream)
    {
        // As on the gateway's own metals: without the callback nothing changes.
        if (!Has(callback)) return callback != StreamCallback.Log && View.IsHeld(callback <= StreamCallback.RequestTrailers) ? FilterAction.Pause : FilterAction.Continue;
        var result = _plugin.Send(new RunnerMessage(RunnerCommand.Call).Number((uint)Index(callback)).Long((ulong)size).Number(endOfStream ? 1u : 0));
        if (result.Trap != 0)
        {
            var trap = (TrapCode)result.Trap;
            Fail(new PluginFailure(trap == TrapCode.ResourceLimit ? FailureKind.Memory : FailureKind.Trap, $"{callback} trapped: {trap.Message()}"));
            return FilterAction.Pause;
        }

        if (_plugin.Metal == Metal.Wasm && callback != StreamCallback.Log && (uint)result.Value > MaximumAction)
            Fail(new PluginFailure(FailureKind.Trap, $"{callback} returned {result.Value}, which is not an action"));
        return result.Value == 0 || callback == StreamCallback.Log ? FilterAction.Continue : FilterAction.Pause;
    }
}
