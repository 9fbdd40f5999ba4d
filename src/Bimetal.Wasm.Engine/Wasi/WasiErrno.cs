// The error numbers of WASI snapshot preview 1 that are answered here.

namespace Bimetal.Wasm.Engine.Wasi;

internal enum WasiErrno : ushort
{
    Success = 0,

    /// <summary>Not an open descriptor, or not open for that.</summary>
    BadDescriptor = 8,

    /// <summary>A pointer outside of the guest's memory.</summary>
    Fault = 21,

    InvalidArgument = 28,

    InputOutput = 29,

    /// <summary>The function is known and not offered.</summary>
    NoSuchFunction = 52,

    NotSupported = 58,

    /// <summary>A seek on a stream.</summary>
    InvalidSeek = 70,
}
