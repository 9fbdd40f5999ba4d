// WebAssembly text to binary through wabt's wat2wasm, for tests that are easier to read as text.

using System.Diagnostics;

namespace Bimetal.Testing;

public static class Wat
{
    /// <summary>Assembles a module of WebAssembly 2.0, tail calls and extended constant expressions; throws with wat2wasm's message when the text is wrong.</summary>
    /// <param name="text">The module.</param>
    /// <param name="validate">Whether wat2wasm refuses invalid modules as well.</param>
    /// <param name="names">Whether the names of functions go into a name section.</param>
    public static byte[] ToWasm(string text, bool validate = true, bool names = false)
    {
        using var folder = new TemporaryFolder();
        string source = folder.Write("module.wat", text);
        string target = Path.Combine(folder.Path, "module.wasm");
        var start = new ProcessStartInfo("wat2wasm", ["--enable-tail-call", "--enable-extended-const", source, "-o", target]) { RedirectStandardError = true };
        if (names) start.ArgumentList.Add("--debug-names");
        if (!validate) start.ArgumentList.Add("--no-check");
        using var process = Process.Start(start)!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? File.ReadAllBytes(target) : throw new ArgumentException(error);
    }
}
