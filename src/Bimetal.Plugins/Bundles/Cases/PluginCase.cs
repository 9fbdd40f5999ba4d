// One case of a plugin: a request, what the upstream answers, and what has to come of it. docs/cases.md describes the files.

namespace Bimetal.Plugins.Bundles.Cases;

/// <summary>What kind of traffic a case stands for.</summary>
public enum CaseKind
{
    /// <summary>Ordinary traffic that the plugin serves.</summary>
    Good,

    /// <summary>Ordinary mistakes.</summary>
    Bad,

    /// <summary>Input made to mislead or to break the plugin.</summary>
    Hostile,
}

/// <summary>One message of a case. Immutable; the bytes are shared by all runs.</summary>
/// <param name="Fields">Fields in order, pseudo-headers first, names in lower case.</param>
/// <param name="Chunks">The body in the pieces that it comes in; empty without a body.</param>
public sealed record CaseMessage(IReadOnlyList<(ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Value)> Fields, IReadOnlyList<ReadOnlyMemory<byte>> Chunks)
{
    /// <summary>The same message with its body cut into pieces of one size; 0: in one piece.</summary>
    public CaseMessage InChunksOf(int chunkBytes)
    {
        byte[] body = [.. Chunks.SelectMany(chunk => chunk.ToArray())];
        return this with { Chunks = Cut(body, chunkBytes) };
    }

    internal static IReadOnlyList<ReadOnlyMemory<byte>> Cut(byte[] body, int chunkBytes)
    {
        if (body.Length == 0) return [];
        return chunkBytes <= 0 ? [body] : [.. body.Chunk(chunkBytes).Select(chunk => new ReadOnlyMemory<byte>(chunk))];
    }
}

/// <summary>What has to come of a case; what is null is not looked at.</summary>
public sealed record CaseExpectation
{
    /// <summary>Status of the answer that the plugin gives itself; null when the exchange has to reach the upstream.</summary>
    public int? Answer { get; init; }

    /// <summary>Request fields as the upstream has to see them; a null value: the field must not be there.</summary>
    public IReadOnlyList<(string Name, string? Value)> Request { get; init; } = [];

    /// <summary>Response fields as the client has to see them.</summary>
    public IReadOnlyList<(string Name, string? Value)> Response { get; init; } = [];

    /// <summary>The body that the client has to get; null: the upstream's own, or any when the plugin answers.</summary>
    public string? Body { get; init; }
}

/// <summary>One case. Immutable.</summary>
public sealed record PluginCase
{
    public required string Name { get; init; }

    /// <summary>The file that it stands in.</summary>
    public required string File { get; init; }

    public required CaseKind Kind { get; init; }

    /// <summary>The plugin's configuration, verbatim.</summary>
    public required string Configuration { get; init; }

    /// <summary>Its <c>vm_config</c>, verbatim.</summary>
    public string VmConfiguration { get; init; } = "";

    /// <summary>What the plugin reads from the clock.</summary>
    public required DateTimeOffset Clock { get; init; }

    public required CaseMessage Request { get; init; }

    public required CaseMessage Response { get; init; }

    public required CaseExpectation Expectation { get; init; }

    /// <summary>The same case with both bodies cut differently.</summary>
    public PluginCase InChunksOf(int chunkBytes) => this with { Request = Request.InChunksOf(chunkBytes), Response = Response.InChunksOf(chunkBytes) };
}
