// The compiler: validated modules to a code image, by way of the cache. Decoding and validation are the caller's.

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Compiler.Emit;
using Bimetal.Wasm.Compiler.Toolchain;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler;

/// <summary>Compiles modules ahead of time with LLVM. Thread-safe.</summary>
/// <param name="cache">Where compiled code is kept; null compiles each time.</param>
/// <param name="limits">Bounds of the child processes; null for the defaults.</param>
/// <param name="progress">Told of each run of clang that has ended, from whatever thread.</param>
/// <param name="measuresCodeGenerator">Whether LLVM's passes and its code generator are stages of their own, which takes 2 % longer.</param>
public sealed class ModuleCompiler(CodeCache? cache = null, ToolchainLimits? limits = null, IProgress<CompileProgress>? progress = null, bool measuresCodeGenerator = false)
{
    // Above this, cutting the IR pays for the fixed cost of another clang (about 0.1 s).
    private const int PartitionBytes = 128 * 1024;

    private readonly ToolchainLimits _limits = limits ?? new ToolchainLimits();

    /// <summary>Compiles one module, or several into one image (one run of clang instead of many).</summary>
    /// <param name="modules">Validated modules; their order is their ordinal in the image.</param>
    /// <param name="options">Options; part of the cache's key.</param>
    /// <param name="cancellation">Ends the compilation and its child processes.</param>
    /// <exception cref="ToolchainException">LLVM is missing (and so is cached code), refused, or ran over a limit.</exception>
    public CompiledImage Compile(IReadOnlyList<WasmModule> modules, CompileOptions options, CancellationToken cancellation = default)
    {
        var stages = new List<(string Stage, TimeSpan Time)>();
        var clock = Stopwatch.StartNew();
        if (!TryFindToolchain(out var toolchain, out var missing))
        {
            var latest = ReadLatest(modules, options) ?? throw missing;
            return latest with { Stages = [("cache", clock.Elapsed)] };
        }

        string key = CacheKey.OfImage(modules, options, toolchain.Version);
        byte[]? known = cache?.TryRead(key);
        using var turn = known is null && cache is not null ? CompilationTurn.Wait(cache, key, _limits.WallTime, cancellation) : null;
        known ??= cache?.TryRead(key);
        stages.Add(("cache", clock.Elapsed));
        if (known is not null) return new CompiledImage(known, key, FromCache: true, stages);
        clock.Restart();
        var ir = ImageEmitter.Emit(modules, options, PartitionBytes, EmissionBudget.Of(_limits));
        stages.Add(("emit", clock.Elapsed));
        byte[] bytes = new ImageBuilder(toolchain, _limits, cache, progress, measuresCodeGenerator ? new StageShares() : null).Build(ir, options, modules.Count, stages, cancellation);
        if (cache?.Write(key, bytes) == true) cache.Write(CacheKey.OfLatestImage(modules, options), Encoding.ASCII.GetBytes(key));
        return new CompiledImage(bytes, key, FromCache: false, stages);
    }

    /// <summary>Digest of this build of the emitter: other code may come of another one.</summary>
    public static string Identity => BuildIdentity.Digest;

    /// <summary>The LLVM IR that <see cref="Compile"/> would hand to clang, one text for each partition; for tests and the curious.</summary>
    public static IReadOnlyList<string> EmitIr(IReadOnlyList<WasmModule> modules, CompileOptions options) =>
        [.. ImageEmitter.Emit(modules, options, PartitionBytes, EmissionBudget.Unlimited).Partitions.Select(partition => string.Concat(partition.Pieces))];

    private bool TryFindToolchain([NotNullWhen(true)] out LlvmToolchain? toolchain, [NotNullWhen(false)] out ToolchainException? missing)
    {
        try
        {
            (toolchain, missing) = (LlvmToolchain.Find(cache), null);
            return true;
        }
        catch (ToolchainException exception)
        {
            (toolchain, missing) = (null, exception);
            return false;
        }
    }

    // Without LLVM there is no version to look for: the image made last for this module by this build of the emitter serves.
    private CompiledImage? ReadLatest(IReadOnlyList<WasmModule> modules, CompileOptions options)
    {
        if (cache?.TryRead(CacheKey.OfLatestImage(modules, options)) is not { } pointer) return null;
        string key = Encoding.ASCII.GetString(pointer);
        return cache.TryRead(key) is { } known ? new CompiledImage(known, key, FromCache: true, []) : null;
    }
}
