// Wasm plugins for tests, compiled once per run, and a way to load them.

using System.Diagnostics;
using Bimetal.Testing;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Engine;

namespace Bimetal.Plugins.Tests.Guests;

/// <summary>Compiled guests and the engine that all tests share.</summary>
internal static class Guest
{
    private static readonly TemporaryFolder s_folder = new();
    private static readonly Lazy<string> s_script = new(() => Compile("script.wasm", "proxy_abi_version_0_2_1"));
    private static readonly Lazy<string> s_oldScript = new(() => Compile("script_0_1_0.wasm", "proxy_abi_version_0_1_0", "-DABI_0_1_0"));

    public static WasmEngine Engine { get; } = new(new EngineOptions { Cache = new CodeCache(Path.Combine(s_folder.Path, "cache")) });

    /// <summary>The guest that does what its configuration says (script_guest.c), for ABI 0.2.1.</summary>
    public static string Script => s_script.Value;

    /// <summary>The same for ABI 0.1.0.</summary>
    public static string OldScript => s_oldScript.Value;

    /// <summary>A module from text.</summary>
    /// <summary>What a failure says, without the place where the guest trapped.</summary>
    public static string WithoutPlace(string detail) => System.Text.RegularExpressions.Regex.Replace(detail, @" in \S+( \d+)?( at 0x[0-9a-f]+)?(, called by .*)?$", "");

    public static string FromWat(string name, string text) => s_folder.Write(name, Wat.ToWasm(text));

    public static string Write(string name, ReadOnlySpan<byte> bytes) => s_folder.Write(name, bytes);

    private static string Compile(string name, string marker, params string[] more)
    {
        string source = Path.Combine(Repository.Root, "tests/Bimetal.Plugins/Guests/script_guest.c");
        string target = Path.Combine(s_folder.Path, name);
        string[] arguments =
        [
            "--target=wasm32", "-O1", "-nostdlib", "-ffreestanding", "-fno-builtin", "-Wl,--no-entry", $"-DABI_MARKER=\"{marker}\"", .. more, "-o", target, source,
        ];
        using var process = Process.Start(new ProcessStartInfo("clang-19", arguments) { RedirectStandardError = true })!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? target : throw new InvalidOperationException(error);
    }
}
