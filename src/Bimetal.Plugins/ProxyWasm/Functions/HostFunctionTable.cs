// Every function that the host offers under "env", by name, with its type. docs/proxy-wasm.md says of each what it does; a test
// compares the two. Entries that the table calls Void were without a result in ABI 0.1.0's text and have a status in its SDKs.

using System.Collections.Frozen;
using Bimetal.Wasm.Modules;

namespace Bimetal.Plugins.ProxyWasm.Functions;

/// <summary>One host function.</summary>
/// <param name="Name">Import name in module "env".</param>
/// <param name="Parameters">One letter each: i for i32, l for i64; null when any parameters will do, since none is read.</param>
/// <param name="Entry">Native entry; its result is a status, or i32 where the ABI says so.</param>
/// <param name="VoidEntry">Entry for an import without a result, or 0.</param>
/// <param name="ReturnsData">True when the result needs memory that the guest allocates.</param>
internal sealed record HostFunctionEntry(string Name, string? Parameters, nint Entry, nint VoidEntry = 0, bool ReturnsData = false)
{
    // SAFETY: the type system holds callers to UnmanagedCallersOnly methods with the signature of a host function; their code stays where it
    // is for the life of the process.
    public static unsafe nint Address(delegate* unmanaged[Cdecl]<nint, ulong*, int> function) => (nint)function;

    /// <summary>The entry for an import of that type, or 0 when the type does not fit.</summary>
    public nint EntryFor(FunctionType type)
    {
        if (Parameters is not null && !type.Parameters.SequenceEqual(Parameters.Select(TypeOf))) return 0;
        if (type.Results is [ValueType.I32]) return Entry;
        return type.Results.IsEmpty ? VoidEntry : 0;
    }

    /// <summary>The type in words, for messages.</summary>
    public string Describe() =>
        $"({string.Join(", ", (Parameters ?? "").Select(letter => TypeOf(letter).Name()))}) -> ({(Entry != 0 ? "i32" : "")})";

    private static ValueType TypeOf(char letter) => letter == 'l' ? ValueType.I64 : ValueType.I32;
}

/// <summary>The table of host functions.</summary>
internal static class HostFunctionTable
{
    public const string ModuleName = "env";

    private static readonly FrozenDictionary<string, HostFunctionEntry> s_entries = new[]
    {
        LogFunctions.Entries, ClockFunctions.Entries, ContextFunctions.Entries, HeaderFunctions.Entries, BufferFunctions.Entries,
        PropertyFunctions.Entries, StreamFunctions.Entries, SharedDataFunctions.Entries, QueueFunctions.Entries, MetricFunctions.Entries,
        CalloutFunctions.Entries, LibraryFunctions.Entries,
    }.SelectMany(entries => entries).ToFrozenDictionary(entry => entry.Name, StringComparer.Ordinal);

    public static IEnumerable<HostFunctionEntry> All => s_entries.Values;

    public static HostFunctionEntry? Find(string name) => s_entries.GetValueOrDefault(name);
}
