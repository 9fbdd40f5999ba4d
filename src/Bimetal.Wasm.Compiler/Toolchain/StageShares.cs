// How the time that LLVM takes divides into its passes and its code generator, over all partitions, which run side by side.

using System.Text.Json;

namespace Bimetal.Wasm.Compiler.Toolchain;

/// <summary>Adds up what each run of a tool says of itself. Thread-safe.</summary>
internal sealed class StageShares
{
    // lld's names: everything that optimises and generates code, and the code generator's part of it.
    private const string Everything = "Total LTO";
    private const string CodeGenerator = "Total OptModule";

    private readonly Lock _gate = new();
    private TimeSpan _passes;
    private TimeSpan _generation;

    /// <summary>A run of the code generator alone.</summary>
    public void AddGeneration(TimeSpan time)
    {
        lock (_gate) _generation += time;
    }

    /// <summary>A run of lld, by the trace that it wrote.</summary>
    /// <exception cref="ToolchainException">It is no trace.</exception>
    public void AddTrace(string path)
    {
        try
        {
            using var trace = JsonDocument.Parse(File.ReadAllBytes(path));
            var everything = Sum(trace, Everything);
            var generation = Sum(trace, CodeGenerator);
            lock (_gate)
            {
                _passes += everything - generation;
                _generation += generation;
            }
        }
        catch (Exception exception) when (exception is IOException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new ToolchainException($"ld.lld's times cannot be read: {exception.Message}");
        }
    }

    /// <summary>An elapsed time as those two stages, in proportion to what all runs took.</summary>
    public IEnumerable<(string Stage, TimeSpan Time)> Divide(TimeSpan elapsed)
    {
        double share = _passes > TimeSpan.Zero ? _passes / (_passes + _generation) : 0;
        return [("optimise", elapsed * share), ("codegen", elapsed * (1 - share))];
    }

    private static TimeSpan Sum(JsonDocument trace, string name) => TimeSpan.FromMicroseconds(
        trace.RootElement.GetProperty("traceEvents").EnumerateArray().Where(item => item.GetProperty("name").ValueEquals(name)).Sum(item => item.GetProperty("dur").GetDouble()));
}
