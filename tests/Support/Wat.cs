// WebAssembly text to binary through wabt's wat2wasm, for tests that are easier to read as text.

using System.Diagnostics;

namespace Bimetal.Testing;

public static class Wat
{
    /// <summary>Assembles a module of WebAssembly 2.0 (what wat2wasm takes by default); throws with wat2wasm's message when the text is wrong.</summary>
    public static byte[] ToWasm(string text)
    {
        using var folder = new TemporaryFolder();
        string source = folder.Write("module.wat", text);
        string target = Path.Combine(folder.Path, "module.wasm");
        using var process = Process.Start(new ProcessStartInfo("wat2wasm", [source, "-o", target]) { RedirectStandardError = true })!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? File.ReadAllBytes(target) : throw new ArgumentException(error);
    }
}
