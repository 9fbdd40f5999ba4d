// Compiles the modules of scripts many at a time, because every compilation has a fixed cost far above that of a small module. A batch
// that fails is halved until the modules that are at fault stand alone.

using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine.Wast;

/// <summary>Compiles several modules into one image.</summary>
internal delegate CompiledImage CompileBatch(IReadOnlyList<WasmModule> modules);

/// <summary>Loads and compiles the modules of a few scripts; owns their code.</summary>
internal sealed class ScriptCompiler(CompileBatch compile) : IDisposable
{
    internal const int ModulesPerCompilation = 50;
    internal const int BytesPerCompilation = 96 * 1024;

    private readonly Dictionary<WastCommand, ScriptModule> _modules = new(ReferenceEqualityComparer.Instance);
    private readonly List<CodeMapping> _mappings = [];

    /// <summary>The module of a command that instantiates it.</summary>
    internal ScriptModule this[WastCommand command] => _modules[command];

    internal void Prepare(IEnumerable<WastScript> scripts)
    {
        var batch = new List<ScriptModule>();
        int batchBytes = 0;
        foreach (var command in scripts.SelectMany(script => script.Commands))
        {
            if (!command.Instantiates || command.ModulePath is null || command.IsText) continue;
            var module = Load(command.ModulePath);
            _modules.Add(command, module);
            if (module.Module is null) continue;
            batch.Add(module);
            batchBytes += module.Module.Bytes.Length;
            if (batch.Count < ModulesPerCompilation && batchBytes < BytesPerCompilation) continue;
            Compile(batch);
            batch = [];
            batchBytes = 0;
        }

        if (batch.Count > 0) Compile(batch);
    }

    public void Dispose()
    {
        foreach (var mapping in _mappings) mapping.Dispose();
    }

    private static ScriptModule Load(string path)
    {
        try
        {
            return new ScriptModule { Module = WasmEngine.Check(File.ReadAllBytes(path)) };
        }
        catch (WasmModuleException exception)
        {
            return new ScriptModule { Failure = $"refused at byte 0x{exception.Error.Offset:x}: {exception.Error.Message}" };
        }
    }

    private void Compile(List<ScriptModule> batch)
    {
        try
        {
            var image = compile([.. batch.Select(module => module.Module!)]);
            var mapping = CodeMapping.Map(image.Bytes.Span);
            _mappings.Add(mapping);
            for (int i = 0; i < batch.Count; i++) batch[i].Loaded = new LoadedModule(batch[i].Module!, mapping, i);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Whatever it is, one bad module must not take its batch along.
            if (batch.Count == 1)
            {
                batch[0].Failure = $"does not compile: {exception.Message}";
                return;
            }

            Compile(batch[..(batch.Count / 2)]);
            Compile(batch[(batch.Count / 2)..]);
        }
    }
}
