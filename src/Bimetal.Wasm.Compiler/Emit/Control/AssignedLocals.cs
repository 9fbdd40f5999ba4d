// Which locals each block, loop and if of a function assigns: only those can have different values where paths join.

using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit.Control;

/// <summary>Finds assigned locals.</summary>
internal static class AssignedLocals
{
    /// <summary>The locals that each block assigns, in rising order, by the offset of the block's opcode.</summary>
    public static Dictionary<int, uint[]> Find(ModuleScope module, Function body)
    {
        var found = new Dictionary<int, uint[]>();
        var open = new Stack<(int Offset, SortedSet<uint> Locals)>();
        long count = 0;
        var reader = new InstructionReader(module.Module.Bytes.Span, body.BodyOffset, body.BodyLength);
        var instruction = default(Instruction);
        while (!reader.IsAtEnd && reader.Read(ref instruction) is null)
        {
            switch (instruction.Opcode)
            {
                case Opcode.Block or Opcode.Loop or Opcode.If:
                    open.Push((instruction.Offset, []));
                    break;
                case Opcode.LocalSet or Opcode.LocalTee when open.TryPeek(out var innermost):
                    innermost.Locals.Add(instruction.Index);
                    break;
                case Opcode.End when open.TryPop(out var closed):
                    found.Add(closed.Offset, [.. closed.Locals]);
                    if (open.TryPeek(out var outer)) outer.Locals.UnionWith(closed.Locals);
                    module.Budget.RequireForFunction((count += closed.Locals.Count) * FunctionBuilder.CharactersOfIncoming);
                    break;
            }
        }

        return found;
    }
}
