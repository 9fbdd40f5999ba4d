// What the engine's tests share: a code cache of their own, and a way to invoke a module from text.

using Bimetal.Testing;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Engine.Invoke;

namespace Bimetal.Wasm.Engine.Tests;

/// <summary>What an invocation printed and returned.</summary>
public sealed record Invocation(int ExitCode, string Output, string Error);

public sealed class EngineFixture : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public EngineFixture() => Cache = new CodeCache(Path.Combine(_folder.Path, "cache"));

    public CodeCache Cache { get; }

    /// <summary>Writes a file into the fixture's folder and returns its path.</summary>
    public string Write(string name, ReadOnlySpan<byte> bytes) => _folder.Write(name, bytes);

    public string Write(string name, string text) => _folder.Write(name, text);

    /// <summary>Invokes an export; the words after it are separated by spaces.</summary>
    public Invocation Invoke(string file, string call, Func<InvokeRequest, InvokeRequest>? change = null)
    {
        string[] words = call.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var request = new InvokeRequest { File = file, Export = words[0], Arguments = words[1..], Cache = Cache };
        var output = new StringWriter();
        var error = new StringWriter();
        int exitCode = InvokeCommandRunner.Run(change is null ? request : change(request), output, error);
        return new Invocation(exitCode, output.ToString(), error.ToString());
    }

    public void Dispose() => _folder.Dispose();
}
