// The registry behind proxy_call_foreign_function: functions of the host beside the ABI, by name. Two are there from the start, under the names
// that Envoy has for them.

using System.Collections.Frozen;
using System.IO.Compression;
using System.Text;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.ProxyWasm;

/// <summary>A function that plugins can call by name: gets their argument, gives a result, or null when the argument is wrong.</summary>
public delegate byte[]? ForeignFunction(ReadOnlySpan<byte> argument);

/// <summary>Functions by name. Immutable.</summary>
public sealed class ForeignFunctions
{
    /// <summary>Longest argument, and longest result, in bytes: a call cannot be interrupted, so it must not take long.</summary>
    public const int MaximumBytes = 1 << 20;

    private const int MaximumNameBytes = 256;

    private readonly FrozenDictionary<string, ForeignFunction> _byName;

    public ForeignFunctions(IReadOnlyDictionary<string, ForeignFunction> functions) =>
        _byName = functions.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary><c>compress</c> and <c>uncompress</c>, zlib's format (RFC 1950).</summary>
    public static ForeignFunctions Standard { get; } = new(new Dictionary<string, ForeignFunction>(StringComparer.Ordinal)
    {
        ["compress"] = Compress,
        ["uncompress"] = Uncompress,
    });

    /// <summary>Calls a function for a plugin, on either metal: Ok, NotFound, or BadArgument.</summary>
    public HostStatus Call(ReadOnlySpan<byte> name, ReadOnlySpan<byte> argument, out byte[] result)
    {
        result = [];
        if (name.Length > MaximumNameBytes || !_byName.TryGetValue(Encoding.Latin1.GetString(name), out var function)) return HostStatus.NotFound;
        if (argument.Length > MaximumBytes || function(argument) is not { } given) return HostStatus.BadArgument;
        result = given;
        return HostStatus.Ok;
    }

    private static byte[]? Compress(ReadOnlySpan<byte> argument)
    {
        var target = new MemoryStream();
        using (var zlib = new ZLibStream(target, CompressionLevel.Fastest)) zlib.Write(argument);
        return target.ToArray();
    }

    private static byte[]? Uncompress(ReadOnlySpan<byte> argument)
    {
        byte[] result = new byte[MaximumBytes + 1];
        try
        {
            using var zlib = new ZLibStream(new MemoryStream(argument.ToArray()), CompressionMode.Decompress);
            int length = zlib.ReadAtLeast(result, result.Length, throwOnEndOfStream: false);
            return length <= MaximumBytes ? result[..length] : null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
