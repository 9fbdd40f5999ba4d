// The compiled guests of the self-test, their host functions, and calls with plain values.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine;

/// <summary>Modules of the self-test, compiled at first use.</summary>
internal sealed class SelfTestGuests : IDisposable
{
    private readonly Lazy<EngineModule> _guest = new(() => Load("guest.wasm"));
    private readonly Lazy<EngineModule> _marked = new(() => Load("guest.wasm", new CompileOptions { MarkWrites = true }));
    private readonly Lazy<EngineModule> _edges = new(() => Load("edges.wasm"));

    /// <summary>An instance of guest.wat.</summary>
    public Instance NewInstance() => Start(_guest.Value.Loaded);

    /// <summary>An instance of edges.wat.</summary>
    public Instance NewEdges() => Start(_edges.Value.Loaded);

    /// <param name="maximumInstances">Of the pool.</param>
    /// <param name="marksWrites">Whether the code marks what it writes.</param>
    public InstancePool NewPool(int maximumInstances, bool marksWrites = false)
    {
        using var instance = marksWrites ? Start(_marked.Value.Loaded) : NewInstance();
        using var snapshot = Snapshot.Take(instance);
        return new InstancePool(snapshot, maximumInstances);
    }

    public static TrapCode Run(Instance instance, string export, params ReadOnlySpan<ulong> arguments) => Run(instance, CallLimits.None, export, out _, arguments);

    public static TrapCode Run(Instance instance, CallLimits limits, string export, params ReadOnlySpan<ulong> arguments) =>
        Run(instance, limits, export, out _, arguments);

    /// <summary>Calls a function that must not trap.</summary>
    public static uint Call(Instance instance, string export, params ReadOnlySpan<ulong> arguments)
    {
        var trap = Run(instance, CallLimits.None, export, out ulong result, arguments);
        SelfTestException.Require(trap == TrapCode.None, $"{export} trapped: {trap.Message()}");
        return (uint)result;
    }

    /// <summary>Calls a function that must end with this trap.</summary>
    public static void RequireTrap(Instance instance, TrapCode expected, string export, params ReadOnlySpan<ulong> arguments)
    {
        var trap = Run(instance, CallLimits.None, export, out _, arguments);
        SelfTestException.Require(trap == expected, $"{export} ended with '{trap.Message()}' instead of '{expected.Message()}'");
    }

    public void Dispose()
    {
        if (_guest.IsValueCreated) _guest.Value.Dispose();
        if (_marked.IsValueCreated) _marked.Value.Dispose();
        if (_edges.IsValueCreated) _edges.Value.Dispose();
    }

    private static TrapCode Run(Instance instance, CallLimits limits, string export, out ulong result, ReadOnlySpan<ulong> arguments)
    {
        SelfTestException.Require(instance.TryGetFunction(export, out var function), $"no export {export}");
        Span<ulong> buffer = stackalloc ulong[4];
        arguments.CopyTo(buffer);
        var trap = instance.Call(function, buffer, limits);
        result = buffer[0];
        return trap;
    }

    private static Instance Start(LoadedModule module)
    {
        var instance = Instance.Create(module, HostFunctions(), InstanceOptions.Default);
        var trap = instance.Initialize(CallLimits.None);
        SelfTestException.Require(trap == TrapCode.None, $"the guest did not start: {trap.Message()}");
        return instance;
    }

    private static EngineModule Load(string name, CompileOptions? options = null)
    {
        using var resource = typeof(SelfTestGuests).Assembly.GetManifestResourceStream(name) ?? throw new SelfTestException($"{name} is not in this binary");
        byte[] bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        return new WasmEngine(new EngineOptions { Compile = options ?? new CompileOptions() }).Load(name, bytes);
    }

    // SAFETY: both functions have the signature that HostFunction asks for.
    private static unsafe ImportSet HostFunctions() => new ImportSet()
        .Define("host", "nothing", new HostFunction(FunctionType.Of([]), (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&Nothing))
        .Define("host", "invoke", new HostFunction(FunctionType.Of([]), (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&Invoke));

    // SAFETY: neither touches the buffer; no exception leaves them.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe int Nothing(nint context, ulong* buffer) => (int)TrapCode.None;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe int Invoke(nint context, ulong* buffer)
    {
        var instance = Instance.FromContext(context);
        try
        {
            ((Action)instance.HostState!)();
            return (int)TrapCode.None;
        }
        catch (Exception exception)
        {
            instance.HostException = exception;
            return (int)TrapCode.HostError;
        }
    }
}
