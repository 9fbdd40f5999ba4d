// Why a guest stopped. Numbers are shared with native/shim/bimetal_shim.h; 0 means that it did not.

namespace Bimetal.Wasm.Abi;

/// <summary>The reason why guest code stopped early. The numeric values are part of the runtime ABI.</summary>
public enum TrapCode
{
    None = 0,
    Unreachable = 1,
    IntegerDivideByZero = 2,
    IntegerOverflow = 3,
    InvalidConversionToInteger = 4,
    MemoryOutOfBounds = 5,
    TableOutOfBounds = 6,
    UndefinedElement = 7,
    UninitializedElement = 8,
    IndirectCallTypeMismatch = 9,
    StackOverflow = 10,

    /// <summary>The watchdog stopped the guest at its CPU limit.</summary>
    DeadlineExceeded = 11,

    /// <summary>A host function failed; the host keeps the exception or message.</summary>
    HostError = 12,

    /// <summary>The guest asked to end (WASI <c>proc_exit</c>); the host keeps the exit code.</summary>
    Exit = 13,

    /// <summary>A limit on memory or tables that the host enforces by ending the guest.</summary>
    ResourceLimit = 14,
}

public static class TrapCodes
{
    /// <summary>The wording of the specification's test suite where it has one.</summary>
    public static string Message(this TrapCode code) => code switch
    {
        TrapCode.None => "no trap",
        TrapCode.Unreachable => "unreachable",
        TrapCode.IntegerDivideByZero => "integer divide by zero",
        TrapCode.IntegerOverflow => "integer overflow",
        TrapCode.InvalidConversionToInteger => "invalid conversion to integer",
        TrapCode.MemoryOutOfBounds => "out of bounds memory access",
        TrapCode.TableOutOfBounds => "out of bounds table access",
        TrapCode.UndefinedElement => "undefined element",
        TrapCode.UninitializedElement => "uninitialized element",
        TrapCode.IndirectCallTypeMismatch => "indirect call type mismatch",
        TrapCode.StackOverflow => "call stack exhausted",
        TrapCode.DeadlineExceeded => "CPU limit exceeded",
        TrapCode.HostError => "host function failed",
        TrapCode.Exit => "guest exited",
        TrapCode.ResourceLimit => "resource limit exceeded",
        _ => $"trap {(int)code}",
    };
}
