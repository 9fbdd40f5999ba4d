// A plugin built together with its host (bench/bare), on one metal: exchanges are written into it and run there, and nothing is crossed meanwhile.

using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles.Cases;
using Bimetal.Plugins.Native;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Engine;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Meter.Functions;

/// <summary>What bare_run.c exports. One thread at a time.</summary>
internal abstract class BareFunctions : IDisposable
{
    /// <summary>Bytes of bare_run.c's buffer.</summary>
    private const int BufferBytes = 4 << 20;

    /// <summary>Hands the configuration over.</summary>
    /// <exception cref="PluginLoadException">The plugin refuses it.</exception>
    public void Configure(ReadOnlySpan<byte> configuration)
    {
        Write(configuration);
        if (Call("bare_configure", (ulong)configuration.Length) != 0) throw new PluginLoadException("the plugin refuses its configuration without a gateway");
    }

    /// <summary>Makes an exchange the one that runs; false when it is too large.</summary>
    public bool TryTake(PluginCase one)
    {
        byte[] exchange = Encode(one);
        return exchange.Length <= BufferBytes && TryTake(exchange);
    }

    /// <summary>The same of an exchange that was taken before.</summary>
    /// <param name="encoded">As <see cref="Encode"/> gave it.</param>
    public bool TryTake(byte[] encoded)
    {
        Write(encoded);
        return Call("bare_exchange_read", 0) == 0;
    }

    /// <summary>Runs the exchange so often.</summary>
    /// <returns>How it ended the last time.</returns>
    public CaseEnd Run(int times) => (CaseEnd)Call("bare_run", (uint)times);

    /// <summary>Runs it once more; a digest of what it left behind.</summary>
    public ulong Digest() => Call("bare_digest", 0);

    public virtual void Dispose() => GC.SuppressFinalize(this);

    protected abstract ulong Call(string export, ulong argument);

    protected abstract void Write(ReadOnlySpan<byte> bytes);

    /// <summary>The exchange as bare_run.c reads it.</summary>
    public static byte[] Encode(PluginCase one)
    {
        var bytes = new List<byte>();
        void Number(int value)
        {
            Span<byte> four = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(four, value);
            bytes.AddRange(four);
        }

        Span<byte> clock = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(clock, (one.Clock - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick);
        bytes.AddRange(clock);
        foreach (var message in new[] { one.Request, one.Response })
        {
            Number(message.Fields.Count);
            foreach (var (name, value) in message.Fields)
            {
                Number(name.Length);
                Number(value.Length);
                bytes.AddRange(name.Span);
                bytes.AddRange(value.Span);
            }

            Number(message.Chunks.Count);
            foreach (var chunk in message.Chunks)
            {
                Number(chunk.Length);
                bytes.AddRange(chunk.Span);
            }
        }

        return [.. bytes];
    }
}

/// <summary>On the native metal.</summary>
internal sealed class NativeBareFunctions : BareFunctions
{
    private readonly Dictionary<string, NativeFunction> _functions = [];
    private readonly Func<string, NativeFunction> _library;
    private readonly nint _buffer;

    /// <exception cref="PluginLoadException">The file cannot be loaded.</exception>
    public NativeBareFunctions(string path)
    {
        _library = NativeFunction.Library(path);
        _buffer = (nint)_library("bare_buffer").CallIntegers();
    }

    protected override ulong Call(string export, ulong argument)
    {
        if (!_functions.TryGetValue(export, out var function)) _functions[export] = function = _library(export);
        ulong result = function.CallIntegers(argument);
        // The upper half of a register with a 32-bit result is nobody's.
        return export == "bare_digest" ? result : (uint)result;
    }

    protected override void Write(ReadOnlySpan<byte> bytes)
    {
        byte[] copy = bytes.ToArray();
        Marshal.Copy(copy, 0, _buffer, copy.Length);
    }
}

/// <summary>On the wasm metal, in one instance.</summary>
internal sealed class WasmBareFunctions : BareFunctions
{
    private readonly Dictionary<string, GuestFunction> _functions = [];
    private readonly EngineModule _module;
    private readonly Instance _instance;
    private readonly uint _buffer;

    /// <exception cref="PluginLoadException">The module cannot be compiled or started.</exception>
    public WasmBareFunctions(string path, CompileOptions options)
    {
        try
        {
            _module = PluginWorkload.EngineOf(options).Load(path);
            _instance = Instance.Create(_module.Loaded, new ImportSet(), InstanceOptions.Default);
            if (_instance.Initialize(CallLimits.None) != TrapCode.None) throw new PluginLoadException($"{path}: traps at its start");
        }
        catch (Exception exception) when (exception is WasmModuleException or ToolchainException or LinkException or CodeImageException)
        {
            throw new PluginLoadException($"{path}: {exception.Message}", exception);
        }

        _buffer = (uint)Call("bare_buffer", 0);
    }

    public override void Dispose()
    {
        _instance.Dispose();
        _module.Dispose();
        base.Dispose();
    }

    protected override ulong Call(string export, ulong argument)
    {
        if (!_functions.TryGetValue(export, out var function))
        {
            if (!_instance.TryGetFunction(export, out function)) throw new PluginLoadException($"{_module.Name}: exports no function \"{export}\"");
            _functions[export] = function;
        }

        Span<ulong> slots = [argument];
        var trap = _instance.Call(function, slots, CallLimits.None);
        if (trap != TrapCode.None) throw new PluginLoadException($"{_module.Name}: {export} trapped: {trap.Message()}");
        return export == "bare_digest" ? slots[0] : (uint)slots[0];
    }

    protected override void Write(ReadOnlySpan<byte> bytes)
    {
        if (!_instance.Memory!.TrySlice(_buffer, (uint)bytes.Length, out var target)) throw new PluginLoadException($"{_module.Name}: its buffer is outside of its memory");
        bytes.CopyTo(target);
    }
}
