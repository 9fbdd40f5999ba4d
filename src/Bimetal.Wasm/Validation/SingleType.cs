// Sequences of one value type, made once.

using System.Collections.Immutable;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Validation;

internal static class SingleType
{
    private static readonly ImmutableArray<ValueType>[] Sequences = [.. Enumerable.Range(0, 0x80).Select(encoded => ImmutableArray.Create((ValueType)encoded))];

    internal static ImmutableArray<ValueType> Of(ValueType type) => Sequences[(byte)type];
}
