// Loads a plugin folder's build for another target into a runner: the .so through that system's loader, the module's machine code with a plan.

using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Engine;
using Bimetal.Wasm.Modules;

namespace Bimetal.Plugins.Targets;

/// <summary>Plugins that run in another process, for the cases of <c>bimetal test --target</c>.</summary>
public static class TargetLoader
{
    /// <summary>What has to be built to test a target on these metals.</summary>
    public static IReadOnlyList<BuildTarget> Needs(BuildTarget target, IReadOnlyList<Metal> metals)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(metals);
        return [.. metals.SelectMany<Metal, BuildTarget>(metal => metal == Metal.Native ? [target] : [BuildTarget.Wasm, CodeOf(target)])];
    }

    /// <summary>Loads and configures a plugin in a runner of its own.</summary>
    /// <exception cref="PluginLoadException">It is not built, cannot run there, or refused its configuration.</exception>
    public static Plugin Load(PluginFolder folder, BuildTarget target, Metal metal, CaseConfiguration configuration, PluginHostServices services)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(services);
        var program = RunnerBuild.Prepare(target);
        try
        {
            if (metal == Metal.Native)
                return RunnerPlugin.Start(folder.Manifest.Name, folder.Manifest.RootId, metal, new RunnerProcess(program, "native", folder.Require(target)), configuration, services);
            using var plan = new PlanFile(folder.Require(BuildTarget.Wasm));
            return RunnerPlugin.Start(folder.Manifest.Name, folder.Manifest.RootId, metal, new RunnerProcess(program, "guest", plan.Path, folder.Require(CodeOf(target))), configuration, services);
        }
        catch (PluginLoadException exception)
        {
            throw new PluginLoadException($"{folder.Path} for {target}: {exception.Message}", exception);
        }
    }

    private static BuildTarget CodeOf(BuildTarget target) => target.Platform == TargetPlatform.LinuxArm64 ? BuildTarget.CodeArm64 : BuildTarget.CodeX64;

    /// <summary>A plan on disk while a runner starts.</summary>
    private sealed class PlanFile : IDisposable
    {
        public PlanFile(string module)
        {
            try
            {
                File.WriteAllBytes(Path, TargetPlan.Write(WasmEngine.Check(File.ReadAllBytes(module))));
            }
            catch (WasmModuleException exception)
            {
                throw new PluginLoadException(exception.Error.Describe(module), exception);
            }
        }

        public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "bimetal-plan-" + System.IO.Path.GetRandomFileName());

        public void Dispose() => File.Delete(Path);
    }
}
