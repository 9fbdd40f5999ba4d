// Why a module could not be instantiated with what it was given.

namespace Bimetal.Wasm.Runtime;

/// <summary>An import that is missing ("unknown import") or of another type ("incompatible import type").</summary>
public sealed class LinkException(string message) : Exception(message);

/// <summary>A limit of <see cref="InstanceOptions"/> or of the process that an instance would exceed.</summary>
public sealed class InstanceLimitException(string message) : Exception(message);
