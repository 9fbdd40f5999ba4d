// One open block, loop or if while a function is walked.

using System.Collections.Immutable;
using Bimetal.Wasm.Compiler.Emit.Memory;

namespace Bimetal.Wasm.Compiler.Emit.Control;

internal enum FrameKind : byte
{
    /// <summary>The function body: a branch to it returns.</summary>
    Function,
    Block,
    Loop,

    /// <summary>An <c>if</c> whose <c>else</c> has not been seen.</summary>
    If,
    Else,
}

/// <summary>An open block.</summary>
internal sealed class ControlFrame
{
    private readonly List<Incoming> _incoming = [];

    public required FrameKind Kind { get; set; }

    public required ImmutableArray<ValueType> Parameters { get; init; }

    public required ImmutableArray<ValueType> Results { get; init; }

    /// <summary>Operand stack depth below the parameters.</summary>
    public required int Height { get; init; }

    /// <summary>Where a branch goes: the head of a loop, the end of anything else.</summary>
    public required string Label { get; init; }

    /// <summary>Start of the part that runs when the condition of an <c>if</c> is zero.</summary>
    public string ElseLabel { get; init; } = "";

    /// <summary>Parameters of an <c>if</c>, which its <c>else</c> starts with as well.</summary>
    public Value[] EntryValues { get; init; } = [];

    /// <summary>Locals that are assigned inside.</summary>
    public uint[] Assigned { get; init; } = [];

    /// <summary>What those hold where an <c>if</c> begins.</summary>
    public Value[] EntryLocals { get; init; } = [];

    /// <summary>How many addresses were known before it (AddressBook.cs).</summary>
    public AddressesKnown KnownAddresses { get; init; }

    /// <summary>Types that a branch to this frame takes from the stack.</summary>
    public ImmutableArray<ValueType> BranchTypes => Kind == FrameKind.Loop ? Parameters : Results;

    public bool IsBranchTarget => _incoming.Count > 0;

    /// <summary>The branches so far: the values that they take from the stack, then those of <see cref="Assigned"/>.</summary>
    public IReadOnlyList<Incoming> Incoming => _incoming;

    public void AddIncoming(string fromBlock, Value[] values) => _incoming.Add(new Incoming(fromBlock, values));
}
