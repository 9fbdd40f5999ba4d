// figures.wat, compiled once, and its host functions: what a host call of a proxy costs, without a proxy around it.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine;

/// <summary>The guest of <see cref="RuntimeFigures"/>, in a folder of its own.</summary>
internal sealed class FigureGuests : IDisposable
{
    /// <summary>Length of the header's value.</summary>
    public const int ValueBytes = 64;

    private readonly string _folder = Directory.CreateTempSubdirectory("bimetal-figures-").FullName;
    private readonly EngineModule _module;
    private readonly EngineModule _marked;

    public FigureGuests()
    {
        using var resource = typeof(FigureGuests).Assembly.GetManifestResourceStream("figures.wasm") ?? throw new SelfTestException("figures.wasm is not in this binary");
        byte[] bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        System.IO.File.WriteAllBytes(File, bytes);
        Cache = new CodeCache(Path.Combine(_folder, "code"));
        _module = new WasmEngine(new EngineOptions { Cache = Cache }).Load(File);
        _marked = new WasmEngine(new EngineOptions { Cache = Cache, Compile = new CompileOptions { MarkWrites = true } }).Load(File);
    }

    public string File => Path.Combine(_folder, "figures.wasm");

    /// <summary>Holds the code of <see cref="File"/>.</summary>
    public CodeCache Cache { get; }

    public Instance NewInstance() => Start(_module.Loaded);

    /// <summary>The same, with code that marks what it writes.</summary>
    public Instance NewMarkedInstance() => Start(_marked.Loaded);

    public static Instance Start(LoadedModule module)
    {
        var instance = Instance.Create(module, Imports, InstanceOptions.Default);
        instance.TryGetFunction("allocate", out var allocate);
        instance.HostState = new Host(allocate);
        SelfTestException.Require(instance.Initialize(CallLimits.None) == TrapCode.None, "figures.wasm did not start");
        return instance;
    }

    public void Dispose()
    {
        _module.Dispose();
        _marked.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static FunctionType Type => FunctionType.Of([ValueType.I32, ValueType.I32, ValueType.I32, ValueType.I32], ValueType.I32);

    // SAFETY: both functions have the signature that HostFunction asks for.
    private static unsafe ImportSet Imports => new ImportSet()
        .Define("host", "copy_header", new HostFunction(Type, (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&CopyHeader))
        .Define("host", "get_header", new HostFunction(Type, (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&GetHeader));

    // SAFETY: the buffer has four slots with the arguments; memory is reached through checked slices alone; no exception leaves.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe int CopyHeader(nint context, ulong* buffer)
    {
        var instance = Instance.FromContext(context);
        try
        {
            var memory = instance.Memory!;
            if (!memory.TryRead((uint)buffer[0], (uint)buffer[1], out var name) || !memory.TrySlice((uint)buffer[2], (uint)buffer[3], out var target)) return (int)TrapCode.HostError;
            byte[]? value = ((Host)instance.HostState!).Find(name);
            buffer[0] = 0;
            if (value is null || value.Length > target.Length) return (int)TrapCode.None;
            value.CopyTo(target);
            buffer[0] = (uint)value.Length;
            return (int)TrapCode.None;
        }
        catch (Exception exception)
        {
            instance.HostException = exception;
            return (int)TrapCode.HostError;
        }
    }

    // SAFETY: as above.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe int GetHeader(nint context, ulong* buffer)
    {
        var instance = Instance.FromContext(context);
        try
        {
            var memory = instance.Memory!;
            var host = (Host)instance.HostState!;
            if (!memory.TryRead((uint)buffer[0], (uint)buffer[1], out var name) || host.Find(name) is not { } value) return (int)TrapCode.HostError;
            Span<ulong> slots = [(uint)value.Length];
            var trap = instance.Call(host.Allocate, slots, CallLimits.None);
            if (trap != TrapCode.None) return (int)trap;
            if (!memory.TrySlice((uint)slots[0], (uint)value.Length, out var target) || !memory.TrySlice((uint)buffer[2], 4, out var address)
                || !memory.TrySlice((uint)buffer[3], 4, out var length)) return (int)TrapCode.HostError;
            value.CopyTo(target);
            BitConverter.TryWriteBytes(address, (uint)slots[0]);
            BitConverter.TryWriteBytes(length, value.Length);
            buffer[0] = (uint)value.Length;
            return (int)TrapCode.None;
        }
        catch (Exception exception)
        {
            instance.HostException = exception;
            return (int)TrapCode.HostError;
        }
    }

    /// <summary>A request's headers as a host holds them.</summary>
    private sealed class Host(GuestFunction allocate)
    {
        private readonly (byte[] Name, byte[] Value)[] _headers =
        [
            .. new[] { ":method", ":path", ":scheme", "host", "accept", "accept-encoding", "user-agent", "cookie" }
                .Select(name => (System.Text.Encoding.ASCII.GetBytes(name), Enumerable.Repeat((byte)'v', ValueBytes).ToArray())),
        ];

        public GuestFunction Allocate { get; } = allocate;

        public byte[]? Find(ReadOnlySpan<byte> name)
        {
            foreach (var (known, value) in _headers)
            {
                if (name.SequenceEqual(known)) return value;
            }

            return null;
        }
    }
}
