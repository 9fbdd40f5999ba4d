// The compiler: validated modules to a code image, by way of the cache. Decoding and validation are the caller's.

using System.Diagnostics;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Compiler.Emit;
using Bimetal.Wasm.Compiler.Toolchain;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler;

/// <summary>Compiles modules ahead of time with LLVM. Thread-safe.</summary>
/// <param name="cache">Where compiled code is kept; null compiles each time.</param>
/// <param name="limits">Bounds of the child processes; null for the defaults.</param>
public sealed class ModuleCompiler(CodeCache? cache = null, ToolchainLimits? limits = null)
{
    // Above this, cutting the IR pays for the fixed cost of another clang (about 0.1 s).
    private const int PartitionBytes = 128 * 1024;

    private readonly ToolchainLimits _limits = limits ?? new ToolchainLimits();

    /// <summary>Compiles one module, or several into one image (one run of clang instead of many).</summary>
    /// <param name="modules">Validated modules; their order is their ordinal in the image.</param>
    /// <param name="options">Options; part of the cache's key.</param>
    /// <param name="cancellation">Ends the compilation and its child processes.</param>
    /// <exception cref="ToolchainException">LLVM is missing, refused, or ran over a limit.</exception>
    public CompiledImage Compile(IReadOnlyList<WasmModule> modules, CompileOptions options, CancellationToken cancellation = default)
    {
        var stages = new List<(string Stage, TimeSpan Time)>();
        var clock = Stopwatch.StartNew();
        var toolchain = LlvmToolchain.Find(cache);
        string key = CacheKey.OfImage(modules, options, toolchain.Version);
        byte[]? known = cache?.TryRead(key);
        stages.Add(("cache", clock.Elapsed));
        if (known is not null) return new CompiledImage(known, key, FromCache: true, stages);
        clock.Restart();
        var ir = ImageEmitter.Emit(modules, options, PartitionBytes, EmissionBudget.Of(_limits));
        stages.Add(("emit", clock.Elapsed));
        byte[] bytes = new ImageBuilder(toolchain, _limits, cache).Build(ir, options, modules.Count, stages, cancellation);
        cache?.Write(key, bytes);
        return new CompiledImage(bytes, key, FromCache: false, stages);
    }

    /// <summary>The LLVM IR that <see cref="Compile"/> would hand to clang, one text for each partition; for tests and the curious.</summary>
    public static IReadOnlyList<string> EmitIr(IReadOnlyList<WasmModule> modules, CompileOptions options) =>
        [.. ImageEmitter.Emit(modules, options, PartitionBytes, EmissionBudget.Unlimited).Partitions.Select(pieces => string.Concat(pieces))];
}
