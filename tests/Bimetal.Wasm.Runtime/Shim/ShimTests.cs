// The shim without .NET, on each processor that can be run here.

using System.Diagnostics;
using Bimetal.Testing;

namespace Bimetal.Wasm.Runtime.Tests;

/// <summary>Builds and runs C programs that use the shim without .NET.</summary>
public sealed class ShimTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("shim_test")]
    [InlineData("reset_test", "2000")]
    public void Shim_OnX64(string program, params string[] arguments) => BuildAndRun("x86_64-linux-gnu", emulator: null, program, arguments);

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData("shim_test")]
    [InlineData("reset_test", "30")]
    public void Shim_OnArm64_UnderEmulation(string program, params string[] arguments)
    {
        if (!IsPresent("qemu-aarch64") || !File.Exists("/usr/aarch64-linux-gnu/lib/libc.so.6"))
            Assert.Skip("needs qemu-aarch64 and an arm64 C library: apt-get install qemu-user libc6-dev-arm64-cross gcc-aarch64-linux-gnu");
        BuildAndRun("aarch64-linux-gnu", "qemu-aarch64", program, arguments);
    }

    private void BuildAndRun(string triple, string? emulator, string name, string[] arguments)
    {
        using var folder = new TemporaryFolder();
        string shim = Path.Combine(Repository.Root, "native/shim");
        string source = Path.Combine(Repository.Root, $"tests/Bimetal.Wasm.Runtime/Shim/{name}.c");
        string program = Path.Combine(folder.Path, name);
        Assert.Equal(0, Run(Path.Combine(shim, "build"), triple, folder.Path));
        Assert.Equal(0, Run("clang-19", "--target=" + triple, "-fuse-ld=lld-19", "-std=gnu17", "-O2", "-I", shim, source, Path.Combine(folder.Path, "bimetal_shim.o"), "-o", program));
        Assert.Equal(0, emulator is null ? Run(program, arguments) : Run(emulator, ["-L", "/usr/aarch64-linux-gnu", program, .. arguments]));
    }

    private int Run(string command, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        output.WriteLine(process.StandardOutput.ReadToEnd());
        if (!process.WaitForExit(TimeSpan.FromMinutes(3))) process.Kill(entireProcessTree: true);
        process.WaitForExit();
        output.WriteLine(errors.GetAwaiter().GetResult());
        return process.ExitCode;
    }

    private static bool IsPresent(string command) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, command)));
}
