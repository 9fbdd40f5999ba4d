// The way from a .wasm file to something that can be instantiated: read, decode, validate, compile, map.

using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Decoding;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;
using Bimetal.Wasm.Validation;

namespace Bimetal.Wasm.Engine;

/// <summary>Loads modules. Safe to use from several threads at once.</summary>
public sealed class WasmEngine(EngineOptions options)
{
    private readonly ModuleCompiler _compiler = new(options.Cache, options.Limits.Compilation);
    private readonly Lazy<bool> _lacksSpace = new(() =>
        options.Compile.Bounds == BoundsMode.Guard && options.GuardedMemories > 0 && !AddressSpace.Holds(options.GuardedMemories));

    private int _isNoticeTaken;

    public WasmEngine()
        : this(new EngineOptions())
    {
    }

    /// <summary>What code has to be compiled with to be loaded here.</summary>
    public CompileOptions CompileOptions => _lacksSpace.Value ? options.Compile with { Bounds = BoundsMode.Explicit, MarkWrites = false } : options.Compile;

    /// <summary>What an operator should know of how code runs here, the first time somebody asks; null when there is nothing, and later.</summary>
    public string? TakeNotice() => !_lacksSpace.Value || Interlocked.Exchange(ref _isNoticeTaken, 1) != 0
        ? null
        : $"{options.GuardedMemories * 8} GiB of address space, for memories with guard pages, cannot be reserved: {AddressSpace.Describe()}. So wasm code compares each "
            + "index with its memory's length, which makes it slower; without that limit it would not";

    /// <summary>Decodes and validates without compiling.</summary>
    /// <exception cref="WasmModuleException">The bytes are no valid module, or one over a limit.</exception>
    public static WasmModule Check(ReadOnlyMemory<byte> bytes, DecodeLimits? limits = null)
    {
        limits ??= DecodeLimits.Default;
        var module = ModuleDecoder.Decode(bytes, limits, out var error);
        if (module is null) throw new WasmModuleException(error!);
        error = ModuleValidator.Validate(module, limits);
        return error is null ? module : throw new WasmModuleException(error);
    }

    /// <summary>Loads a file.</summary>
    /// <exception cref="WasmModuleException">The file is no valid module, or one over a limit: <c>Error.Describe(path)</c> says where.</exception>
    /// <exception cref="ToolchainException">The compiler is missing or failed.</exception>
    public EngineModule Load(string path, CancellationToken cancellation = default) => Load(path, check: null, cancellation);

    /// <summary>Loads a file that must pass a check of the caller's before time is spent on compiling it.</summary>
    /// <param name="check">Gets the validated module; what it throws ends the loading.</param>
    /// <inheritdoc cref="Load(string, CancellationToken)" path="/exception"/>
    public EngineModule Load(string path, Action<WasmModule>? check, CancellationToken cancellation = default)
    {
        var clock = new StageClock();
        byte[] bytes = clock.Measure("read", () => ReadFile(path));
        return Load(path, bytes, default, check, clock, cancellation);
    }

    /// <summary>Loads bytes, which must not change afterwards.</summary>
    /// <inheritdoc cref="Load(string, CancellationToken)" path="/exception"/>
    public EngineModule Load(string name, ReadOnlyMemory<byte> bytes, CancellationToken cancellation = default) =>
        Load(name, bytes, default, check: null, new StageClock(), cancellation);

    /// <summary>Loads bytes with machine code that was made of them before. The caller answers for that code: it runs outside of any sandbox.</summary>
    /// <param name="code">An image that <see cref="ModuleCompiler"/> made of this module with <see cref="CompileOptions"/>; empty: it is compiled now.</param>
    /// <param name="check">Gets the validated module; what it throws ends the loading.</param>
    /// <exception cref="CodeImageException">The code is not for this processor, this ABI or this module.</exception>
    /// <inheritdoc cref="Load(string, CancellationToken)" path="/exception"/>
    public EngineModule Load(string name, ReadOnlyMemory<byte> bytes, ReadOnlyMemory<byte> code, Action<WasmModule>? check, CancellationToken cancellation = default) =>
        Load(name, bytes, code, check, new StageClock(), cancellation);

    private EngineModule Load(
        string name, ReadOnlyMemory<byte> bytes, ReadOnlyMemory<byte> precompiled, Action<WasmModule>? check, StageClock clock, CancellationToken cancellation)
    {
        var module = clock.Measure("decode", () => Decode(bytes));
        var error = clock.Measure("validate", () => ModuleValidator.Validate(module, options.Limits.Module));
        if (error is not null) throw new WasmModuleException(error);
        check?.Invoke(module);
        var image = precompiled.IsEmpty ? _compiler.Compile([module], CompileOptions, cancellation) : new CompiledImage(precompiled, "", FromCache: true, []);
        clock.Add(image.Stages);
        var code = clock.Measure("load", () => CodeMapping.Map(image.Bytes.Span));
        return new EngineModule(name, module, image, code, clock.Stages);
    }

    private WasmModule Decode(ReadOnlyMemory<byte> bytes) =>
        ModuleDecoder.Decode(bytes, options.Limits.Module, out var error) ?? throw new WasmModuleException(error!);

    // A file that is too large is refused before it is read.
    private byte[] ReadFile(string path)
    {
        long length = new FileInfo(path).Length;
        if (length > options.Limits.Module.ModuleBytes)
            throw new WasmModuleException(new WasmError(0, $"limit ModuleBytes exceeded: {length}, at most {options.Limits.Module.ModuleBytes}"));
        return File.ReadAllBytes(path);
    }
}
