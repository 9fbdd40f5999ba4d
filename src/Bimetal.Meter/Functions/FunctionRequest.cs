// What `bench --pair` and `bench --source` were asked for.

namespace Bimetal.Meter.Functions;

/// <summary>One function on both metals, without a plugin.</summary>
public sealed record FunctionRequest
{
    /// <summary>A C file that is built for both; null with <see cref="WasmPath"/> and <see cref="NativePath"/>.</summary>
    public string? Source { get; init; }

    public string? WasmPath { get; init; }

    public string? NativePath { get; init; }

    /// <summary>The function's name in both.</summary>
    public required string Export { get; init; }

    /// <summary>Its arguments, as words; their types are those of the wasm export.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    public bool IsFull { get; init; }

    /// <summary>Reads the value of <c>--pair</c>; null when it is not A.wasm,B.so.</summary>
    public static (string Wasm, string Native)? ReadPair(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] files = text.Split(',');
        return files.Length == 2 && files[0].EndsWith(".wasm", StringComparison.Ordinal) && files[1].EndsWith(".so", StringComparison.Ordinal) ? (files[0], files[1]) : null;
    }
}
