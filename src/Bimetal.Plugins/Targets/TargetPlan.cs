// What a runner needs to make an instance of a module (native/runner/guest.c reads it): everything that decoding gives, with the offsets of the
// instance context worked out, so that the runner decodes nothing.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Plugins.Targets;

/// <summary>Writes plans.</summary>
internal static class TargetPlan
{
    private const uint Magic = 0x4e4c5042;
    private const uint None = uint.MaxValue;

    /// <summary>Most pages of memory that a runner's instance gets: those of a plugin without limits of its own.</summary>
    private const uint MaximumPages = 4096;

    private enum GlobalKind
    {
        Value = 0,
        Function = 1,
        Imported = 2,
    }

    /// <summary>The plan of a validated module.</summary>
    /// <param name="importedGlobals">Values of imported globals by name, for tests; null: there must be none.</param>
    /// <exception cref="PluginLoadException">A runner cannot make an instance of it.</exception>
    public static byte[] Write(WasmModule module, Func<Import, ulong?>? importedGlobals = null)
    {
        if (module.ImportedMemoryCount + module.ImportedTableCount > 0 || module.Memories.Length > 1)
            throw new PluginLoadException("the module imports a memory or a table, or has several memories, which a runner does not know");
        var layout = new ContextLayout(module);
        var plan = new RunnerMessage().Number(Magic).Number((uint)layout.SizeBytes);
        WriteTypes(plan, module, layout);
        WriteFunctions(plan, module, layout);
        plan.Number((uint)module.Tables.Length);
        for (int index = 0; index < module.Tables.Length; index++)
        {
            var limits = module.Tables[index].Limits;
            plan.Number((uint)limits.Minimum).Number((uint)(limits.Maximum ?? None)).Number((uint)layout.TableOffset((uint)index));
        }

        plan.Number((uint)module.Memories.Length);
        foreach (var memory in module.Memories) plan.Number((uint)memory.Limits.Minimum).Number((uint)Math.Min(memory.Limits.Maximum ?? MaximumPages, MaximumPages));
        var values = WriteGlobals(plan, module, layout, importedGlobals);
        WriteSegments(plan, module, values);
        plan.Number(module.StartFunction ?? None);
        var exports = module.Exports.Where(export => export.Kind == ExternalKind.Function).ToList();
        plan.Number((uint)exports.Count);
        foreach (var export in exports) plan.Text(export.Name).Number(export.Index);
        return plan.ToArray();
    }

    // Types that are equal get one number, from 1 on, as in a process.
    private static void WriteTypes(RunnerMessage plan, WasmModule module, ContextLayout layout)
    {
        plan.Number((uint)module.Types.Length).Number((uint)layout.TypeIds);
        foreach (var type in module.Types) plan.Number((uint)module.Types.IndexOf(type) + 1);
    }

    private static void WriteFunctions(RunnerMessage plan, WasmModule module, ContextLayout layout)
    {
        var functions = module.Imports.Where(import => import.Kind == ExternalKind.Function).ToList();
        plan.Number((uint)functions.Count).Number((uint)layout.HostFunctions);
        foreach (var import in functions) plan.Text(import.Module).Text(import.Name);
        plan.Number((uint)module.FunctionCount);
        for (uint index = 0; index < (uint)module.FunctionCount; index++) plan.Number(module.TypeIndexOf(index));
        plan.Number((uint)layout.FunctionRecordCount);
        foreach (uint index in layout.RecordedFunctions) plan.Number(index).Number((uint)layout.FunctionRecordOffset(index));
    }

    private static UInt128[] WriteGlobals(RunnerMessage plan, WasmModule module, ContextLayout layout, Func<Import, ulong?>? importedGlobals)
    {
        var values = new UInt128[module.GlobalTypes.Length];
        plan.Number((uint)values.Length);
        int index = 0;
        foreach (var import in module.Imports.Where(import => import.Kind == ExternalKind.Global))
        {
            values[index] = importedGlobals?.Invoke(import) ?? throw new PluginLoadException($"the module imports the global {import.Module}.{import.Name}, which a runner does not have");
            Global(GlobalKind.Imported, index++);
        }

        foreach (var global in module.Globals)
        {
            values[index] = Evaluate(module, global.Initializer, values, out uint? function);
            if (function is { } reference) values[index] = reference;
            Global(function is null ? GlobalKind.Value : GlobalKind.Function, index++);
        }

        return values;

        void Global(GlobalKind kind, int at) =>
            plan.Number((uint)layout.GlobalOffset((uint)at)).Number((uint)kind).Long((ulong)values[at]).Long((ulong)(values[at] >> 64));
    }

    private static void WriteSegments(RunnerMessage plan, WasmModule module, UInt128[] globals)
    {
        plan.Number((uint)module.Elements.Length);
        foreach (var segment in module.Elements)
        {
            plan.Number((uint)segment.Mode).Number(segment.TableIndex).Number(segment.Mode == SegmentMode.Active ? (uint)Evaluate(module, segment.Offset, globals, out _) : 0);
            plan.Number((uint)segment.Items.Length);
            foreach (var item in segment.Items)
            {
                if (item.Expression is not { } expression)
                {
                    plan.Number(item.FunctionIndex);
                    continue;
                }

                Evaluate(module, expression, globals, out uint? function);
                plan.Number(function ?? None);
            }
        }

        plan.Number((uint)module.DataSegments.Length);
        foreach (var segment in module.DataSegments)
        {
            plan.Number((uint)segment.Mode).Long(segment.Mode == SegmentMode.Active ? (uint)Evaluate(module, segment.Offset, globals, out _) : 0);
            plan.Bytes(module.Slice(segment.DataOffset, segment.DataLength));
        }
    }

    // Constant expressions (core specification 3.3.10), without references to globals that hold references.
    private static UInt128 Evaluate(WasmModule module, ConstantExpression expression, UInt128[] globals, out uint? function)
    {
        var reader = new InstructionReader(module.Bytes.Span, expression.Offset, expression.Length);
        var instruction = default(Instruction);
        var stack = new Stack<UInt128>();
        function = null;
        while (!reader.IsAtEnd && reader.Read(ref instruction) is null && instruction.Opcode != Opcode.End)
        {
            switch (instruction.Opcode)
            {
                case Opcode.I32Const: stack.Push((uint)instruction.Constant); break;
                case Opcode.I64Const or Opcode.F32Const or Opcode.F64Const: stack.Push(instruction.Constant); break;
                case Opcode.V128Const: stack.Push(instruction.Vector); break;
                case Opcode.RefNull: stack.Push(0); break;
                case Opcode.RefFunc: function = instruction.Index; stack.Push(0); break;
                case Opcode.GlobalGet: stack.Push(globals[instruction.Index]); break;
                default:
                    ulong right = (ulong)stack.Pop(), left = (ulong)stack.Pop();
                    stack.Push(Combine(instruction.Opcode, left, right));
                    break;
            }
        }

        return stack.Pop();
    }

    private static ulong Combine(Opcode opcode, ulong left, ulong right) => opcode switch
    {
        Opcode.I32Add => (uint)left + (uint)right,
        Opcode.I32Sub => (uint)left - (uint)right,
        Opcode.I32Mul => (uint)left * (uint)right,
        Opcode.I64Add => left + right,
        Opcode.I64Sub => left - right,
        Opcode.I64Mul => left * right,
        _ => throw new InvalidOperationException($"{opcode} in a constant expression passed the validator."),
    };
}
