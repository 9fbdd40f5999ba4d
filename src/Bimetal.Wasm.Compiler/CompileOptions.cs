// What can be chosen about compiled code. Every property is part of the code cache's key.

using System.Globalization;
using Bimetal.Wasm.Abi;

namespace Bimetal.Wasm.Compiler;

/// <summary>Platforms that guest code is compiled for.</summary>
public enum TargetPlatform
{
    LinuxX64,
    LinuxArm64,
}

/// <summary>How closely traps follow the specification; memory safety is the same in both.</summary>
public enum CompileMode
{
    /// <summary>A load that is out of bounds traps even when nothing uses its value.</summary>
    Conformant,

    /// <summary>LLVM may drop a load whose value is unused, and with it a trap.</summary>
    Relaxed,
}

/// <summary>How accesses to linear memory are kept inside it.</summary>
public enum BoundsMode
{
    /// <summary>By the reservation of all that an index can reach: nothing is compared.</summary>
    Guard,

    /// <summary>By a comparison before each access, for hosts that cannot reserve the address space.</summary>
    Explicit,
}

/// <summary>Options of a compilation.</summary>
public sealed record CompileOptions
{
    /// <summary>Where the code runs; the platform of this process unless set.</summary>
    public TargetPlatform Target { get; init; } =
        System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64
            ? TargetPlatform.LinuxArm64
            : TargetPlatform.LinuxX64;

    /// <summary>CPU level, as clang's <c>-march</c> spells it; the baseline of the target (x86-64-v2, armv8-a) unless set.</summary>
    public string Cpu
    {
        get => field ?? (Target == TargetPlatform.LinuxArm64 ? "armv8-a" : "x86-64-v2");
        init;
    }

    public CompileMode Mode { get; init; }

    public BoundsMode Bounds { get; init; }

    /// <summary>What stops the code at its CPU limit.</summary>
    public InterruptMode Interrupt { get; init; }

    /// <summary>LLVM's code generator alone, none of its optimisation passes: compiles faster, runs slower.</summary>
    public bool Quick { get; init; }

    /// <summary>
    /// Whether indices of tables and branch tables are also masked without a branch, so that a mispredicted bounds check cannot
    /// be used to read past them. On unless its cost is being measured.
    /// </summary>
    public bool MaskIndices { get; init; } = true;

    /// <summary>Whether the code marks what it writes to memory 0 (WriteMarks.cs), so that a clone's reset need not ask the kernel.</summary>
    public bool MarkWrites { get; init; }

    /// <summary>Whether functions compare the stack pointer with the stack's limit. On unless its cost is being measured: without it endless recursion faults outside of the sandbox.</summary>
    public bool CheckStack { get; init; } = true;

    /// <summary>Whether the image tells which instruction of the module a piece of its code comes from, for traps and profilers.</summary>
    public bool Locations { get; init; } = true;

    /// <summary>Whether the symbol table is kept for profilers and disassemblers.</summary>
    public bool KeepSymbols { get; init; }

    /// <summary>All options in one line, for the cache key and receipts.</summary>
    public string Describe() => string.Create(
        CultureInfo.InvariantCulture,
        $"target={Target} cpu={Cpu} mode={Mode} bounds={Bounds} interrupt={Interrupt} quick={Quick} mask={MaskIndices} stack={CheckStack} marks={MarkWrites} locations={Locations} symbols={KeepSymbols}");
}
