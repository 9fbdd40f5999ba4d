// The wasm build's machine code as an artefact of its own: nodes that have no compiler, or no time for it, load it. What is in the file is
// what the code cache would hold; it refers to nothing outside of itself, so one file per architecture serves glibc and musl.

using System.Diagnostics;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Engine;
using Bimetal.Wasm.Modules;

namespace Bimetal.Plugins.Bundles;

/// <summary>Compiles a folder's module ahead of time.</summary>
internal static class PrecompiledCode
{
    /// <summary>Options of the code for a platform: those that a gateway compiles with.</summary>
    public static CompileOptions Options(TargetPlatform platform) => PluginHostServices.CodeOptions with { Target = platform };

    /// <summary>Compiles the module of a folder, which must be built.</summary>
    public static async Task<BuildResult> BuildAsync(PluginFolder folder, BuildTarget target, CancellationToken cancellation)
    {
        string modulePath = folder.Require(BuildTarget.Wasm);
        byte[] module = await File.ReadAllBytesAsync(modulePath, cancellation);
        long started = Stopwatch.GetTimestamp();
        var code = await Task.Run(() => Compile(modulePath, module, target.Platform!.Value, cancellation), cancellation);
        string artefact = folder.PathOf(target);
        Directory.CreateDirectory(Path.GetDirectoryName(artefact)!);
        string aside = artefact + "." + Path.GetRandomFileName();
        await File.WriteAllBytesAsync(aside, code, cancellation);
        string digest = BuildRecord.DigestOfFile(aside);
        File.Move(aside, artefact, overwrite: true);
        new BuildRecord(BuildRecord.DigestOfFile(modulePath), "-", FlagsOf(target), digest).Write(BuildRecord.PathOf(artefact));
        return new BuildResult(target, artefact, code.Length, Stopwatch.GetElapsedTime(started), "");
    }

    /// <summary>Compiles a module, or takes it from this user's cache.</summary>
    /// <exception cref="PluginLoadException">It is no valid module, or the compiler is missing or failed.</exception>
    public static byte[] Compile(string name, ReadOnlyMemory<byte> module, TargetPlatform platform, CancellationToken cancellation)
    {
        try
        {
            return new ModuleCompiler(CodeCache.ForUser()).Compile([WasmEngine.Check(module)], Options(platform), cancellation).Bytes.ToArray();
        }
        catch (WasmModuleException exception)
        {
            throw new PluginLoadException(exception.Error.Describe(name), exception);
        }
        catch (ToolchainException exception)
        {
            throw new PluginLoadException($"{name}: {exception.Message}", exception);
        }
    }

    /// <summary>Whether code is that of the folder's module as it is now, by this build of the compiler.</summary>
    public static bool IsCurrent(PluginFolder folder, BuildTarget target, BuildRecord record) =>
        folder.StateOf(BuildTarget.Wasm) == BuildState.Current
        && record.Sources == BuildRecord.DigestOfFile(folder.PathOf(BuildTarget.Wasm))
        && record.Flags == FlagsOf(target)
        && record.Artefact == BuildRecord.DigestOfFile(folder.PathOf(target));

    private static string FlagsOf(BuildTarget target) =>
        BuildRecord.DigestOf([ModuleCompiler.Identity, AbiVersion.Current.ToString(), Options(target.Platform!.Value).Describe()]);
}
