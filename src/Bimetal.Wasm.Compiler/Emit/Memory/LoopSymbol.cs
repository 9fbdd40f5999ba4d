// What is known of a value in one iteration of a vector loop. All claims hold modulo 2^32 or 2^64, as the arithmetic does.

namespace Bimetal.Wasm.Compiler.Emit.Memory;

/// <summary>How a value relates to what a local held when the iteration began.</summary>
internal enum LoopOrigin : byte
{
    Other,

    /// <summary>It is that.</summary>
    Carried,

    /// <summary>That, combined with other values by one operation.</summary>
    Sum,
}

/// <summary>A value of an iteration.</summary>
/// <param name="Root">Number of the value without its constant part; equal numbers mean equal values.</param>
/// <param name="Delta">Its constant part.</param>
internal readonly record struct LoopSymbol(int Root, long Delta)
{
    /// <summary>The root of plain constants.</summary>
    public const int ConstantRoot = 0;

    /// <summary>Whether it is the same in each iteration.</summary>
    public bool IsInvariant { get; init; }

    /// <summary>The carried local that it moves with, times <see cref="Scale"/>; meaningful unless Scale is 0.</summary>
    public uint Local { get; init; }

    public long Scale { get; init; }

    public LoopOrigin Origin { get; init; }

    /// <summary>The local of <see cref="Origin"/>.</summary>
    public uint OriginLocal { get; init; }

    /// <summary>The operation of <see cref="LoopOrigin.Sum"/>.</summary>
    public Instructions.Opcode Operation { get; init; }

    /// <summary>Loads, by their number, of which every bit decides the value: LLVM cannot know it without making them.</summary>
    public ulong Loads { get; init; }

    /// <summary>Whether it may be the very value of its single load, for all that LLVM may find out about the other operands.</summary>
    public bool MayBePlain { get; init; }

    public bool IsFloatConstant { get; init; }

    public bool IsConstant => Root == ConstantRoot;

    /// <summary>Whether it is an address that a vector loop can use: fixed, or moving with a counter.</summary>
    public bool IsAffine => IsInvariant || Scale != 0;
}
