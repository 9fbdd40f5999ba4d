// The official test suite, converted by wabt's wast2json once per process into a temporary folder.

using System.Diagnostics;
using System.Text.Json;

namespace Bimetal.Testing;

/// <summary>One command of a converted script.</summary>
/// <param name="Script">Name of the script, such as <c>f32.wast</c>.</param>
/// <param name="Line">Line in the script.</param>
/// <param name="Type">Kind of the command, such as <c>assert_invalid</c>.</param>
/// <param name="ModulePath">The module's file, when the command has one.</param>
/// <param name="IsText">Whether that file holds the text format, which only a text parser can judge.</param>
/// <param name="ExpectedText">The expected message, when the command has one.</param>
public sealed record SpecCommand(string Script, int Line, string Type, string? ModulePath, bool IsText, string ExpectedText)
{
    public override string ToString() => $"{Script}:{Line} {Type}";
}

public static class SpecSuite
{
    private static readonly Lazy<string> Converted = new(ConvertAll);

    /// <summary>Why there is nothing to test, or null.</summary>
    public static string? MissingReason => Repository.SpecFolder is null
        ? "no specification test suite: set BIMETAL_SPEC_DIR to a checkout of WebAssembly/testsuite at 3a04b2cf93bd8fce277458d419eea8d9c326345c"
        : null;

    /// <summary>All commands of all scripts.</summary>
    public static IEnumerable<SpecCommand> Commands() =>
        Directory.EnumerateFiles(Converted.Value, "*.json").Order(StringComparer.Ordinal).SelectMany(CommandsOf);

    private static IEnumerable<SpecCommand> CommandsOf(string jsonPath)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(jsonPath));
        string script = Path.GetFileNameWithoutExtension(jsonPath) + ".wast";
        foreach (var command in document.RootElement.GetProperty("commands").EnumerateArray())
        {
            string? file = command.TryGetProperty("filename", out var name) ? Path.Combine(Converted.Value, name.GetString()!) : null;
            bool isText = command.TryGetProperty("module_type", out var type) && type.GetString() == "text";
            string text = command.TryGetProperty("text", out var expected) ? expected.GetString()! : "";
            yield return new SpecCommand(script, command.GetProperty("line").GetInt32(), command.GetProperty("type").GetString()!, file, isText, text);
        }
    }

    private static string ConvertAll()
    {
        string source = Repository.SpecFolder ?? throw new InvalidOperationException(MissingReason);
        string target = Directory.CreateTempSubdirectory("bimetal-spec-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(target, recursive: true);
        Parallel.ForEach(Directory.EnumerateFiles(source, "*.wast"), new ParallelOptions { MaxDegreeOfParallelism = 2 }, path => Convert(path, target));
        return target;
    }

    private static void Convert(string path, string target)
    {
        string output = Path.Combine(target, Path.GetFileNameWithoutExtension(path) + ".json");
        var start = new ProcessStartInfo("wast2json") { UseShellExecute = false, RedirectStandardError = true };
        foreach (string argument in new[] { path, "-o", output }) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        string message = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"wast2json {path}: {message}");
    }
}
