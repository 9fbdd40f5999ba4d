// A wasm plugin's module: read, decoded, validated, checked against the ABI, then compiled. Instances are made of it.

using Bimetal.Plugins.ProxyWasm.Functions;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Engine;
using Bimetal.Wasm.Engine.Wasi;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Plugins.ProxyWasm;

/// <summary>A loaded module with everything that its instances have in common. Dispose it after them.</summary>
internal sealed class PluginModule : IDisposable
{
    private readonly EngineModule _engineModule;
    private readonly ImportSet _imports;

    private PluginModule(EngineModule engineModule, ModuleShape shape)
    {
        _engineModule = engineModule;
        _imports = shape.Imports;
        Abi = shape.Abi;
        Callbacks = shape.Callbacks;
        InitialMemoryPages = engineModule.Module.Memories[0].Limits.Minimum;
    }

    public string File => _engineModule.Name;

    /// <inheritdoc cref="EngineModule.Stages"/>
    public IReadOnlyList<(string Stage, TimeSpan Time)> Stages => _engineModule.Stages;

    public ProxyAbi Abi { get; }

    public CallbackTable Callbacks { get; }

    public uint InitialMemoryPages { get; }

    /// <summary>Loads a module.</summary>
    /// <exception cref="PluginLoadException">It is no valid module, no plugin for this host, or could not be compiled.</exception>
    public static PluginModule Load(PluginSource source, WasmEngine engine, CancellationToken cancellation)
    {
        string path = source.Name;
        ModuleShape? shape = null;
        try
        {
            // The ABI is looked at first: a file that is no plugin is not worth compiling.
            void Check(WasmModule wasm) => shape = ModuleShape.Of(path, wasm);
            var module = source.Bytes is { } bytes ? engine.Load(path, bytes, source.Code, Check, cancellation) : engine.Load(path, Check, cancellation);
            return new PluginModule(module, shape!);
        }
        catch (WasmModuleException exception)
        {
            throw new PluginLoadException(exception.Error.Describe(path), exception);
        }
        catch (Exception exception) when (exception is ToolchainException or CodeImageException or IOException or UnauthorizedAccessException)
        {
            throw new PluginLoadException($"{path}: {exception.Message}", exception);
        }
    }

    /// <summary>Looks at a module as far as that goes without compiling it.</summary>
    /// <exception cref="PluginLoadException">It is no valid module, or no plugin for this host.</exception>
    public static void Check(PluginSource source)
    {
        string path = source.Name;
        try
        {
            ModuleShape.Of(path, WasmEngine.Check(source.Bytes ?? System.IO.File.ReadAllBytes(path)));
        }
        catch (WasmModuleException exception)
        {
            throw new PluginLoadException(exception.Error.Describe(path), exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PluginLoadException($"{path}: cannot be read: {exception.Message}", exception);
        }
    }

    /// <exception cref="PluginLoadException">The module asks for more than the limits allow, or for an import that is not there.</exception>
    public Instance CreateInstance(InstanceOptions options)
    {
        try
        {
            return Instance.Create(_engineModule.Loaded, _imports, options);
        }
        catch (Exception exception) when (exception is LinkException or InstanceLimitException)
        {
            throw new PluginLoadException($"{File}: {exception.Message}", exception);
        }
    }

    public void Dispose() => _engineModule.Dispose();
}

/// <summary>What the ABI wants to know of a module before it is compiled.</summary>
internal sealed record ModuleShape(ProxyAbi Abi, CallbackTable Callbacks, ImportSet Imports)
{
    /// <exception cref="PluginLoadException">It is no plugin for this host.</exception>
    public static ModuleShape Of(string file, WasmModule module)
    {
        var abi = ProxyAbis.Detect(module, out string? fault) ?? throw new PluginLoadException($"{file}: {fault}");
        var callbacks = CallbackTable.Create(module, out fault) ?? throw new PluginLoadException($"{file}: {fault}");
        if (module.Memories.IsEmpty) throw new PluginLoadException($"{file}: has no memory, so no host call could hand anything over");
        return new ModuleShape(abi, callbacks, ResolveImports(file, module, callbacks));
    }

    private static ImportSet ResolveImports(string file, WasmModule module, CallbackTable callbacks)
    {
        var imports = new ImportSet().DefineWasi();
        var missing = new List<string>();
        foreach (var import in module.Imports)
        {
            if (import.Module is WasiImports.ModuleName or WasiImports.OldModuleName) continue;
            var entry = import is { Module: HostFunctionTable.ModuleName, Kind: ExternalKind.Function } ? HostFunctionTable.Find(import.Name) : null;
            if (entry is null) missing.Add($"{import.Module}.{import.Name}");
            else Define(file, imports, entry, module.Types[(int)import.TypeIndex], callbacks);
        }

        if (missing.Count == 0) return imports;
        throw new PluginLoadException($"{file}: imports {string.Join(", ", missing)}, which this host does not have");
    }

    private static void Define(string file, ImportSet imports, HostFunctionEntry entry, FunctionType type, CallbackTable callbacks)
    {
        nint address = entry.EntryFor(type);
        if (address == 0) throw new PluginLoadException($"{file}: imports env.{entry.Name} as {type}, here it is {entry.Describe()}");
        if (entry.ReturnsData && !callbacks.Has(GuestCallback.Allocate) && !callbacks.Has(GuestCallback.Malloc))
        {
            throw new PluginLoadException(
                $"{file}: imports env.{entry.Name}, but exports neither proxy_on_memory_allocate nor malloc for its results");
        }

        imports.Define(HostFunctionTable.ModuleName, entry.Name, new HostFunction(type, address));
    }
}
