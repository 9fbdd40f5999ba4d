// Engines by others on the same .wasm with the same exchanges.

namespace Bimetal.Meter.Report;

/// <summary>One peer. Either it was measured or it says why not.</summary>
public sealed record PeerReport
{
    public required string Name { get; init; }

    public string? Version { get; init; }

    /// <summary>How it was run.</summary>
    public string? Mode { get; init; }

    /// <summary>Why it was not measured; absent when it was.</summary>
    public string? Skipped { get; init; }

    public IReadOnlyList<PeerTask> Tasks { get; init; } = [];

    /// <summary>The code alone, without a host.</summary>
    public IReadOnlyList<PeerCode> Code { get; init; } = [];
}

/// <summary>How many times as long as native the peer takes for the code alone.</summary>
public sealed record PeerCode(string Task, double Ratio);

/// <summary>A peer on one task, medians in microseconds.</summary>
/// <param name="ColdUs">From the module's bytes to the first answer: compile, instantiate, configure, serve; null for an engine that compiles at its start alone.</param>
/// <param name="CompileUs">Of that, compiling.</param>
/// <param name="ColdProcessUs">From the start of the peer's own process to the first answer; null where that is not how it is used.</param>
/// <param name="CallP50Us">An exchange in a warm instance.</param>
/// <param name="RequestP50Us">An exchange in a new instance of the compiled module, its start included.</param>
/// <param name="SameResult">Whether each exchange ended as on Bimetal.</param>
public sealed record PeerTask(string Task, double? ColdUs, double? CompileUs, double? ColdProcessUs, double CallP50Us, double RequestP50Us, bool SameResult);
