// One entry of the control stack of the validation algorithm (core specification, appendix "Validation Algorithm").

using System.Collections.Immutable;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Validation;

/// <summary>An open block.</summary>
internal struct ControlFrame
{
    /// <summary>Block, Loop, If, Else; Block for the function body itself.</summary>
    internal Opcode Opcode;

    internal ImmutableArray<ValueType> StartTypes;

    internal ImmutableArray<ValueType> EndTypes;

    /// <summary>Height of the operand stack below the block's parameters.</summary>
    internal int Height;

    /// <summary>After an unconditional branch: the stack has any type below what was pushed since.</summary>
    internal bool IsUnreachable;

    /// <summary>Number of the last <c>br_table</c> that has checked this label, so that repeated labels cost nothing.</summary>
    internal int CheckedByTable;

    /// <summary>What a branch to this block passes: a loop is entered again, any other block is left.</summary>
    internal readonly ImmutableArray<ValueType> LabelTypes => Opcode == Opcode.Loop ? StartTypes : EndTypes;
}
