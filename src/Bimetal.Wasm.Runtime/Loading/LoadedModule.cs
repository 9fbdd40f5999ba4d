// A module together with its compiled code: what instances are made of.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

/// <summary>A decoded module and its code in a <see cref="CodeMapping"/>.</summary>
public sealed class LoadedModule
{
    private readonly Dictionary<string, Export> _exports = [];
    private readonly uint[] _typeIds;
    private readonly Lazy<bool> _writesTables;

    /// <param name="module">The module that was compiled.</param>
    /// <param name="code">The mapped image.</param>
    /// <param name="ordinal">Place of the module in the image.</param>
    /// <exception cref="CodeImageException">The image's counts are not those of the module.</exception>
    public LoadedModule(WasmModule module, CodeMapping code, int ordinal = 0)
    {
        Module = module;
        Code = code;
        Ordinal = ordinal;
        Layout = new ContextLayout(module);
        DeadlineMask = code.Interrupt == InterruptMode.None ? 0 : ulong.MaxValue;
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)ordinal, (uint)code.ModuleCount);
        CodeModule = code.Module(ordinal);
        if (CodeModule.FunctionCount != module.Functions.Length || CodeModule.TypeCount != module.Types.Length || CodeModule.ImportCount != module.ImportedFunctionCount)
        {
            throw new CodeImageException(
                $"The compiled image is of another module: it has {CodeModule.FunctionCount} functions, {CodeModule.TypeCount} types, {CodeModule.ImportCount} imports; "
                + $"the module has {module.Functions.Length}, {module.Types.Length}, {module.ImportedFunctionCount}.");
        }

        foreach (var export in module.Exports) _exports.Add(export.Name, export);
        _typeIds = [.. module.Types.Select(TypeRegistry.IdOf)];
        _writesTables = new Lazy<bool>(FindTableWrites);
        code.Attach(ordinal, module);
    }

    public WasmModule Module { get; }

    public CodeMapping Code { get; }

    public int Ordinal { get; }

    public ContextLayout Layout { get; }

    internal CodeModule CodeModule { get; }

    /// <summary>What a CPU limit is masked with: nothing is left of it for code that nothing stops.</summary>
    internal ulong DeadlineMask { get; }

    /// <summary>Process-wide number of each function type.</summary>
    internal ReadOnlySpan<uint> TypeIds => _typeIds;

    /// <summary>Whether any instruction of the module can change a table; most modules leave theirs as the element segments made it.</summary>
    internal bool WritesTables => _writesTables.Value;

    internal Export? FindExport(string name) => _exports.GetValueOrDefault(name);

    /// <summary>Code of a function of the index space: its own, or the thunk of an import.</summary>
    internal nint CodeOf(uint functionIndex)
    {
        uint importCount = (uint)Module.ImportedFunctionCount;
        return functionIndex < importCount ? CodeModule.Thunk(functionIndex) : CodeModule.Function(functionIndex - importCount);
    }

    /// <summary>Distance from that code to the function's entry for tail calls; 0 when it has none.</summary>
    internal int TailOffsetOf(uint functionIndex)
    {
        uint importCount = (uint)Module.ImportedFunctionCount;
        return functionIndex < importCount ? 0 : CodeModule.TailOffset(functionIndex - importCount);
    }

    private bool FindTableWrites()
    {
        var instruction = default(Instruction);
        foreach (var function in Module.Functions)
        {
            var reader = new InstructionReader(Module.Bytes.Span, function.BodyOffset, function.BodyLength);
            while (!reader.IsAtEnd)
            {
                // A validated body can be read; should it not, the careful answer is yes.
                if (reader.Read(ref instruction) is not null) return true;
                if (instruction.Opcode is Opcode.TableSet or Opcode.TableInit or Opcode.TableCopy or Opcode.TableGrow or Opcode.TableFill) return true;
            }
        }

        return false;
    }
}
