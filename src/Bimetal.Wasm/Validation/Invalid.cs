// The wording of what can be invalid: the specification's test suite compares the beginning of these texts.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Validation;

internal static class Invalid
{
    internal const string TypeMismatch = "type mismatch";
    internal const string ConstantExpressionRequired = "constant expression required";
    internal const string Alignment = "alignment must not be larger than natural";
    internal const string Lane = "invalid lane index";
    internal const string ResultArity = "invalid result arity";
    internal const string ImmutableGlobal = "global is immutable";
    internal const string UndeclaredReference = "undeclared function reference";
    internal const string DataCountRequired = "data count section required";
    internal const string MemorySize = "memory size must be at most 65536 pages (4GiB)";
    internal const string SizeOrder = "size minimum must not be greater than maximum";

    /// <summary>An index beyond its index space.</summary>
    /// <param name="what">Name of the index space: function, type, local, global, label, memory, table, elem segment, data segment.</param>
    internal static string Unknown(string what, uint index) => $"unknown {what} {index}";

    internal static string Mismatch(ValueType expected, ValueType found) => $"{TypeMismatch}: expected {expected.Name()}, found {found.Name()}";
}
