// The cases of every plugin that has a native build, under clang's sanitizers: the plugin and the small host of native/runner are built with them, and a
// finding ends the process with its report. Address and undefined behaviour in one build; threads in another, which makes each exchange again on
// four threads at once, with ticks, queue callbacks and answers to calls of the plugin's own beside them.

using System.Diagnostics;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;
using Bimetal.Plugins.Targets;
using Bimetal.Plugins.Tests.Bundles;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Targets;

public sealed class SanitizerTests
{
    private const string Runtimes = "/usr/lib/llvm-19/lib/clang/19/lib/linux";

    private static readonly TemporaryFolder s_builds = new();
    private static readonly Dictionary<string, Lazy<string>> s_runners = new(StringComparer.Ordinal)
    {
        [Memory] = new Lazy<string>(() => BuildRunner(Memory)),
        [Threads] = new Lazy<string>(() => BuildRunner(Threads)),
    };

    private const string Memory = "address,undefined";
    private const string Threads = "thread";

    public static TheoryData<string, string> PluginsAndSanitizers =>
        new(PluginCaseTests.Plugins.Select(row => row.Data).Concat(PluginCaseTests.TestPlugins).SelectMany(name => new[] { (name, Memory), (name, Threads) }));

    [Theory]
    [Trait("Category", "Slow")]
    [MemberData(nameof(PluginsAndSanitizers))]
    public async Task Cases_UnderSanitizers_FindNothing_AndComeOutAsTheySay(string name, string sanitizers)
    {
        RequireRuntimes();
        var folder = PluginFolder.Open(Path.Combine(Repository.Root, "plugins", name));
        var cases = CaseReader.ReadAll(folder);
        var report = await RunAsync(folder, cases, sanitizers);
        Assert.Empty(report.Results.Where(result => result.Mismatch is not null).Select(result => $"{result.Case.Name}: {result.Mismatch}"));
        Assert.Equal(cases.Count, report.Results.Count);
    }

    /// <summary>Plugins with a fault of each kind: what finds nothing must be able to find something.</summary>
    [Theory]
    [InlineData(Memory, "static uint8_t *s_bytes; bp_slice v; if (bp_header_get(s, BP_REQUEST_HEADERS, \":path\", &v) == BP_OK) { s_bytes = bp_scratch(v.length); s_bytes[v.length + (v.length == 0)] = 1; }", "heap-buffer-overflow")]
    [InlineData(Memory, "bp_slice v; int n = 1 << 30; if (bp_header_get(s, BP_REQUEST_HEADERS, \":path\", &v) == BP_OK) n *= (int)v.length + 3; if (n == 7) return BP_PAUSE;", "signed integer overflow")]
    [InlineData(Threads, "static int s_count; if (s_count++ == -1) return BP_PAUSE;", "data race")]
    public Task Fault_IsFound(string sanitizers, string body, string report) => FindAsync(sanitizers, "", body, report);

    /// <summary>The plugin's own callbacks run beside those of streams.</summary>
    [Theory]
    [InlineData("static void tick(void) { s_count++; }\nBP_ON_TICK(tick)")]
    [InlineData("static bool start(bp_slice c) { uint32_t q; return c.length == 0 && bp_queue_open(\"q\", &q) == BP_OK; }\nBP_ON_CONFIGURE(start)\nstatic void item(uint32_t q) { s_count += (int)q; }\nBP_ON_QUEUE(item)")]
    [InlineData("static void answer(bp_stream s, void *v, uint32_t c, const bp_response *r) { (void)s, (void)v, (void)c, (void)r; s_count++; }\nBP_ON_HTTP_RESPONSE(answer)")]
    public Task Race_WithACallbackOfNoStream_IsFound(string callback) =>
        FindAsync(Threads, "static int s_count;\n" + callback, "if (s_count == -1) return BP_PAUSE;", "data race");

    private static async Task FindAsync(string sanitizers, string before, string body, string report)
    {
        RequireRuntimes();
        using var place = new TemporaryFolder();
        place.Write("plugin.yaml", "name: faulty\nversion: 1.0.0\nsources: [faulty.c]\n");
        place.Write("faulty.c", $"#include <bimetal_http.h>\n{before}\nstatic bp_action on(bp_stream s, void *v_, bool e) {{ (void)s, (void)v_, (void)e; {body} return BP_CONTINUE; }}\nBP_ON_REQUEST_HEADERS(on)\n");
        Directory.CreateDirectory(Path.Combine(place.Path, "cases"));
        place.Write("cases/some.yaml", "cases:\n  - { name: one, kind: good, expect: {} }\n");
        var folder = PluginFolder.Open(place.Path);
        var error = await Assert.ThrowsAsync<PluginLoadException>(() => RunAsync(folder, CaseReader.ReadAll(folder), sanitizers));
        Assert.Contains(report, error.Message, StringComparison.Ordinal);
    }

    private static void RequireRuntimes()
    {
        if (!File.Exists($"{Runtimes}/libclang_rt.tsan-x86_64.a")) Assert.Skip("clang's sanitizers are not here; on Debian and Ubuntu: apt-get install libclang-rt-19-dev");
    }

    private static Task<CaseReport> RunAsync(PluginFolder folder, IReadOnlyList<PluginCase> cases, string sanitizers)
    {
        string library = BuildPlugin(folder, sanitizers);
        // A race would only be noted otherwise, and the process goes on; what a process leaves when it is ended is not looked at.
        var program = new RunnerProgram("env", ["TSAN_OPTIONS=halt_on_error=1", "ASAN_OPTIONS=detect_leaks=0", s_runners[sanitizers].Value]);
        string mode = sanitizers == Threads ? "storm" : "native";
        return PluginCaseRunner.RunAsync(
            folder, cases, [Metal.Native], cancellation: TestContext.Current.CancellationToken,
            load: (metal, configuration, services) => Task.FromResult<Plugin>(RunnerPlugin.Start(
                folder.Manifest.Name, folder.Manifest.RootId, metal, new RunnerProcess(program, mode, library), configuration, services)));
    }

    // -z undefs: the runtime's functions are the host's.
    private static string BuildPlugin(PluginFolder folder, string sanitizers)
    {
        string output = Path.Combine(s_builds.Path, Path.GetRandomFileName() + ".so");
        Clang([.. ClangCommand.Arguments(BuildTarget.NativeHere, folder.Path, folder.Manifest.Sources, SdkFolder.Find(), output), .. Flags(sanitizers), "-Wl,-z,undefs"]);
        return output;
    }

    private static string BuildRunner(string sanitizers)
    {
        string output = Path.Combine(s_builds.Path, "runner-" + sanitizers.Replace(',', '-'));
        string runner = Path.Combine(Repository.Root, "native/runner"), shim = Path.Combine(Repository.Root, "native/shim");
        string[] sources = [.. Directory.EnumerateFiles(runner, "*.c"), .. Directory.EnumerateFiles(shim, "*.c")];
        Clang(["-D_GNU_SOURCE", "-std=c17", "-march=x86-64-v2", "-fno-strict-aliasing", "-Wno-macro-redefined", "-fuse-ld=lld", "-pthread", .. Flags(sanitizers), "-I", Path.Combine(Repository.Root, "native/include"), "-I", shim, .. sources, "-o", output]);
        return output;
    }

    private static string[] Flags(string sanitizers) => ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=" + sanitizers, "-fno-sanitize-recover=all"];

    private static void Clang(IReadOnlyList<string> arguments)
    {
        using var clang = Process.Start(new ProcessStartInfo("clang-19", arguments) { RedirectStandardError = true })!;
        string errors = clang.StandardError.ReadToEnd();
        clang.WaitForExit();
        Assert.True(clang.ExitCode == 0, errors);
    }
}
