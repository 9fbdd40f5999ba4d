// Finds where a constant expression ends and which functions it refers to. Whether it is constant at all is the validator's question.

using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Decoding;

internal static class ConstantExpressionReads
{
    internal static ConstantExpression ReadConstantExpression(ref this ByteReader reader, ReadOnlySpan<byte> moduleBytes, HashSet<uint> referencedFunctions)
    {
        int start = reader.Offset;
        var instructions = new InstructionReader(moduleBytes, start, reader.Remaining);
        var instruction = default(Instruction);
        int openBlocks = 1;
        while (openBlocks > 0)
        {
            var error = instructions.Read(ref instruction);
            if (error is not null)
            {
                reader.Fail((int)error.Offset, error.Message);
                return default;
            }

            switch (instruction.Opcode)
            {
                case Opcode.Block or Opcode.Loop or Opcode.If: openBlocks++; break;
                case Opcode.End: openBlocks--; break;
                case Opcode.RefFunc: referencedFunctions.Add(instruction.Index); break;
            }
        }

        int length = instructions.Offset - start;
        reader.Skip(length);
        return new ConstantExpression(start, length);
    }
}
