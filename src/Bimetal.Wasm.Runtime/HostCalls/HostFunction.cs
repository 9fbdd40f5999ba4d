// A function of the host as an import.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

/// <summary>A host function and its type.</summary>
/// <param name="Type">The type that an import must have.</param>
/// <param name="Entry">
/// <c>delegate* unmanaged[Cdecl]&lt;nint, ulong*, int&gt;</c>: context, buffer (arguments from slot 0 on, results there afterwards), returns a
/// <see cref="Abi.TrapCode"/>. No exception may leave it: keep it in <see cref="Instance.HostException"/> and return HostError.
/// </param>
public readonly record struct HostFunction(FunctionType Type, nint Entry);
