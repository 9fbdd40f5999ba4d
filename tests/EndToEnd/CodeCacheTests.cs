// Several processes of the published binary on one code cache: cold, damaged, and without a compiler.

using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

public sealed class CodeCacheTests
{
    private const int ProcessCount = 8;
    private const string Program = "(module (func (export \"f\") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 6))))";

    [Fact]
    public async Task ManyProcesses_OnOneColdModule_AllGetItsResult()
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("a.wasm", Wat.ToWasm(Program)), cache = Path.Combine(folder.Path, "cache");
        Assert.All(await InvokeMany(file, cache), Assert.True);
        string[] entries = Directory.GetFiles(cache);
        Assert.All(entries, entry => Assert.EndsWith(".bimetal-code", entry, StringComparison.Ordinal));

        // Truncated, changed, another one's content, and something that was never code: none is run, all are made again.
        for (int index = 0; index < entries.Length; index++)
        {
            byte[] bytes = await File.ReadAllBytesAsync(entries[index], TestContext.Current.CancellationToken);
            bytes[^1] ^= 1;
            byte[] foreign = await File.ReadAllBytesAsync(entries[(index + 1) % entries.Length], TestContext.Current.CancellationToken);
            byte[] replacement = (index % 4) switch { 0 => bytes, 1 => bytes[..(bytes.Length / 2)], 2 => foreign, _ => "\u007FELF no code"u8.ToArray() };
            await File.WriteAllBytesAsync(entries[index], replacement, TestContext.Current.CancellationToken);
        }

        Assert.All(await InvokeMany(file, cache), Assert.True);
        Assert.Equal(entries.Order(), Directory.GetFiles(cache).Order());
    }

    [Fact]
    public async Task CachedModule_RunsWithoutAnyCompiler()
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("a.wasm", Wat.ToWasm(Program)), cache = Path.Combine(folder.Path, "cache");
        (string, string)[] withoutCompiler = [("BIMETAL_CACHE", cache), ("BIMETAL_CLANG", "/nowhere/clang")];
        var refused = await BimetalProcess.RunAsync(["invoke", file, "f", "7"], environment: withoutCompiler);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("/nowhere/clang", refused.Error, StringComparison.Ordinal);
        Assert.Equal("i32:42\n", (await BimetalProcess.RunAsync(["invoke", file, "f", "7"], environment: [("BIMETAL_CACHE", cache)])).Output);
        Assert.Equal("i32:42\n", (await BimetalProcess.RunAsync(["invoke", file, "f", "7"], environment: withoutCompiler)).Output);
    }

    private static async Task<bool[]> InvokeMany(string file, string cache) =>
        await Task.WhenAll(Enumerable.Range(0, ProcessCount).Select(async number =>
        {
            var result = await BimetalProcess.RunAsync(["invoke", file, "f", $"{number}"], environment: [("BIMETAL_CACHE", cache)]);
            return result == new CommandResult(0, $"i32:{6 * number}\n", "");
        }));
}
