// From paths to scripts: folders are searched, .wast files go through wabt's wast2json into a private folder.

using System.ComponentModel;
using System.Diagnostics;

namespace Bimetal.Wasm.Engine.Wast;

/// <summary>The scripts of a run; their converted form is gone after <see cref="Dispose"/>.</summary>
internal sealed class WastScriptFinder : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bimetal-wast-").FullName;

    /// <summary>Reads all scripts, in the order of the paths and by name within a folder.</summary>
    /// <exception cref="WastException">A path is none, or a script cannot be converted.</exception>
    internal IReadOnlyList<WastScript> Find(IReadOnlyList<string> paths, int threads)
    {
        string[] files = [.. paths.SelectMany(FilesOf)];
        if (files.Length == 0) throw new WastException($"no .wast or .json scripts in {string.Join(", ", paths)}");
        var scripts = new WastScript[files.Length];
        try
        {
            Parallel.For(0, files.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => scripts[i] = Load(files[i], i));
        }
        catch (AggregateException exception)
        {
            throw exception.InnerExceptions[0] is WastException first ? first : exception.InnerExceptions[0];
        }

        return scripts;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static IEnumerable<string> FilesOf(string path)
    {
        if (File.Exists(path)) return [path];
        if (!Directory.Exists(path)) throw new WastException($"{path}: no such file or folder");
        string[] files = [.. Directory.EnumerateFiles(path).Order(StringComparer.Ordinal)];
        string[] scripts = [.. files.Where(IsText)];
        return scripts.Length > 0 ? scripts : files.Where(file => file.EndsWith(".json", StringComparison.Ordinal));
    }

    private static bool IsText(string path) => path.EndsWith(".wast", StringComparison.Ordinal);

    private WastScript Load(string path, int number) => WastScriptReader.Read(IsText(path) ? Convert(path, number) : path);

    // Each script has a folder of its own: two of them may have the same name.
    private string Convert(string path, int number)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, $"{number}")).FullName;
        string target = Path.Combine(folder, "script.json");
        var start = new ProcessStartInfo("wast2json", [path, "-o", target]) { UseShellExecute = false, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            string message = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? target : throw new WastException($"{path}: wast2json refuses it: {message.Trim()}");
        }
        catch (Win32Exception)
        {
            throw new WastException("wast2json is missing; it is in Debian's package wabt (apt-get install wabt)");
        }
    }
}
