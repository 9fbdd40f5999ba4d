// The instances of one running script: the current one, those with a name, those registered for imports.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine.Wast;

/// <summary>An instance of a script, or why there is none.</summary>
internal sealed record ScriptInstance(int Line, Instance? Instance, string? Failure);

internal sealed class ScriptInstances : IDisposable
{
    private readonly SpectestModule _spectest = new();
    private readonly Dictionary<string, ScriptInstance> _named = [];
    private readonly Dictionary<string, Instance> _registered = [];

    // Instances that failed to start live on as well: tables of others may hold their functions.
    private readonly Stack<Instance> _all = [];

    private ScriptInstance? _current;

    /// <summary>Links an instance and initialises it.</summary>
    /// <exception cref="LinkException">An import does not fit.</exception>
    internal Instance Create(LoadedModule module, CallLimits limits, out TrapCode trap)
    {
        var imports = new ImportSet();
        _spectest.DefineIn(imports);
        foreach (var (name, exporter) in _registered) imports.DefineAll(name, exporter);
        var instance = Instance.Create(module, imports, InstanceOptions.Default);
        _all.Push(instance);
        trap = instance.Initialize(limits);
        return instance;
    }

    internal void SetCurrent(string? name, ScriptInstance instance)
    {
        _current = instance;
        if (name is not null) _named[name] = instance;
    }

    internal ScriptInstance? Find(string? name) => name is null ? _current : _named.GetValueOrDefault(name);

    internal void Register(string name, Instance instance) => _registered[name] = instance;

    public void Dispose()
    {
        while (_all.TryPop(out var instance)) instance.Dispose();
        _spectest.Dispose();
    }
}
