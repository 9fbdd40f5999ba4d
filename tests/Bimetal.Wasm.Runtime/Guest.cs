// Modules of these tests: text to loaded module, and calls with plain values.

using System.Collections.Concurrent;
using Bimetal.Testing;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Engine;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Runtime.Tests;

/// <summary>A loaded module and its first instance.</summary>
internal sealed class Guest : IDisposable
{
    private static readonly ConcurrentDictionary<string, byte[]> Binaries = new();
    private static readonly CodeCache Cache = new(Path.Combine(Repository.Root, "artifacts/test/code"));

    private readonly EngineModule _module;

    public Guest(string text, ImportSet? imports = null, InstanceOptions? options = null, CompileOptions? compile = null)
    {
        _module = Load(text, compile);
        try
        {
            Instance = Instance.Create(_module.Loaded, imports ?? new ImportSet(), options ?? InstanceOptions.Default);
        }
        catch
        {
            _module.Dispose();
            throw;
        }

        Started = Instance.Initialize(CallLimits.None);
    }

    public Instance Instance { get; }

    public LoadedModule Loaded => _module.Loaded;

    /// <summary>How the active segments and the start function went.</summary>
    public TrapCode Started { get; }

    // Compiled once: the cache is a folder of the build.
    public static EngineModule Load(string text, CompileOptions? compile = null) =>
        new WasmEngine(new EngineOptions { Cache = Cache, Compile = compile ?? new CompileOptions() }).Load("test", Binaries.GetOrAdd(text, static source => Wat.ToWasm(source, names: true)));

    public TrapCode Run(string export, params ReadOnlySpan<ulong> arguments) => Run(Instance, CallLimits.None, export, arguments).Trap;

    /// <summary>Calls a function that must not trap; its first result.</summary>
    public ulong Call(string export, params ReadOnlySpan<ulong> arguments) => Call(Instance, export, arguments);

    public static ulong Call(Instance instance, string export, params ReadOnlySpan<ulong> arguments)
    {
        var (trap, results) = Run(instance, CallLimits.None, export, arguments);
        Assert.Equal(TrapCode.None, trap);
        return results[0];
    }

    public static (TrapCode Trap, ulong[] Results) Run(Instance instance, CallLimits limits, string export, params ReadOnlySpan<ulong> arguments)
    {
        Assert.True(instance.TryGetFunction(export, out var function), $"no export {export}");
        ulong[] buffer = new ulong[Math.Max(1, Math.Max(function.BufferSlotCount, arguments.Length))];
        arguments.CopyTo(buffer);
        return (instance.Call(function, buffer, limits), buffer);
    }

    public void Dispose()
    {
        Instance.Dispose();
        _module.Dispose();
    }
}
