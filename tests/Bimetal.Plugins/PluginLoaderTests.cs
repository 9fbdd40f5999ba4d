// Which metal, which file, and one clear line when it cannot be loaded.

using Bimetal.Plugins.Tests.Guests;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests;

public sealed class PluginLoaderTests
{
    private const string Marker = """(memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1"))""";

    [Fact]
    public void ThirdParty_NeverRunsNative()
    {
        var config = new PluginConfig { Name = "p", Bundle = "/plugins/p", Trust = Trust.ThirdParty, Metal = MetalChoice.Native };
        var error = Assert.Throws<PluginLoadException>(() => PluginLoader.ChooseMetal(config, out _));
        Assert.StartsWith("/plugins/p: plugin p is third-party", error.Message, StringComparison.Ordinal);
        Assert.Equal(Metal.Wasm, PluginLoader.ChooseMetal(config with { Metal = MetalChoice.Auto }, out string? notice));
        Assert.Null(notice);
        Assert.Equal(Metal.Wasm, PluginLoader.ChooseMetal(config with { Metal = MetalChoice.Wasm }, out _));
    }

    [Fact]
    public void FirstParty_ChoosesItsMetal_AndAutoIsWasmWithANotice()
    {
        var config = new PluginConfig { Name = "p", Bundle = "/plugins/p", Trust = Trust.FirstParty };
        Assert.Equal(Metal.Native, PluginLoader.ChooseMetal(config with { Metal = MetalChoice.Native }, out string? notice));
        Assert.Null(notice);
        Assert.Equal(Metal.Wasm, PluginLoader.ChooseMetal(config with { Metal = MetalChoice.Auto }, out notice));
        Assert.Contains("no valid profile", notice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(module)", "not a proxy-wasm plugin: it exports no proxy_abi_version_0_1_0, proxy_abi_version_0_2_0 or proxy_abi_version_0_2_1")]
    [InlineData("""(module (func (export "proxy_abi_version_0_3_0")))""", "built for an ABI that this host does not speak (proxy_abi_version_0_3_0); it speaks 0.1.0, 0.2.0 and 0.2.1")]
    [InlineData("""(module (func (export "proxy_abi_version_0_2_1")))""", "has no memory, so no host call could hand anything over")]
    [InlineData($"""(module (import "env" "proxy_fly" (func)) (import "foo" "bar" (func)) (import "env" "proxy_log" (func (param i32 i32 i32) (result i32))) {Marker})""", "imports env.proxy_fly, foo.bar, which this host does not have")]
    [InlineData($"""(module (import "env" "proxy_log" (func (param i32) (result i32))) {Marker})""", "imports env.proxy_log as (i32) -> (i32), here it is (i32, i32, i32) -> (i32)")]
    [InlineData($"""(module (import "env" "proxy_log" (func (param i32 i32 i32))) {Marker})""", "imports env.proxy_log as (i32, i32, i32) -> (), here it is (i32, i32, i32) -> (i32)")]
    [InlineData($"""(module (import "env" "proxy_get_property" (func (param i32 i32 i32 i32) (result i32))) {Marker})""", "imports env.proxy_get_property, but exports neither proxy_on_memory_allocate nor malloc for its results")]
    [InlineData($"""(module (import "wasi_snapshot_preview1" "teleport" (func)) {Marker})""", "unknown import: \"wasi_snapshot_preview1\" \"teleport\", a function () -> ()")]
    [InlineData($"""(module {Marker} (func (export "proxy_on_request_headers") (param i32) (result i32) i32.const 0))""", "exports proxy_on_request_headers as (i32) -> (i32), expected (i32, i32, i32) -> (i32)")]
    [InlineData($"""(module {Marker} (func $start unreachable) (start $start))""", "plugin p: its start function trapped: unreachable")]
    [InlineData($"""(module {Marker} (func (export "_initialize") unreachable))""", "plugin p: _initialize trapped: unreachable")]
    [InlineData($"""(module {Marker} (func (export "proxy_on_vm_start") (param i32 i32) (result i32) i32.const 0))""", "plugin p: proxy_on_vm_start refused to start")]
    [InlineData($"""(module {Marker} (func (export "proxy_on_configure") (param i32 i32) (result i32) i32.const 0))""", "plugin p: proxy_on_configure refused the configuration (0 bytes)")]
    [InlineData($"""(module {Marker} (func (export "proxy_on_configure") (param i32 i32) (result i32) loop br 0 end i32.const 0))""", "plugin p: proxy_on_configure used more than its CPU limit of 200 ms")]
    [InlineData("""(module (memory (export "memory") 300) (func (export "proxy_abi_version_0_2_1")))""", "The module asks for 300 pages of memory (64 KiB each), the limit is 256. Raise limits.memory.")]
    public async Task WhatCannotRun_IsNamedInOneLine(string text, string message)
    {
        string file = Guest.FromWat(Path.GetRandomFileName() + ".wasm", text);
        Assert.Equal($"{file}: {message}", Guest.WithoutPlace(await FailAsync(file)));
    }

    [Fact]
    public async Task TruncatedFile_IsNamedWithItsByteOffset()
    {
        byte[] whole = File.ReadAllBytes(Guest.Script);
        string file = Guest.Write("truncated.wasm", whole.AsSpan(0, whole.Length / 2));
        Assert.StartsWith($"{file}: byte 0x", await FailAsync(file), StringComparison.Ordinal);
    }

    [Fact]
    public async Task NotWasm_IsNamedWithItsByteOffset()
    {
        string file = Guest.Write("text.wasm", "this is no module"u8);
        Assert.Equal($"{file}: byte 0x0: magic header not detected", await FailAsync(file));
    }

    [Fact]
    public async Task MissingFile_IsNamed() => Assert.Equal("/nowhere/p.wasm: no such file or folder (plugin p)", await FailAsync("/nowhere/p.wasm"));

    [Fact]
    public async Task FolderWithoutBuild_SaysWhatToRun()
    {
        using var folder = new TemporaryFolder();
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "plugins/token-auth")))
            File.Copy(file, Path.Combine(folder.Path, Path.GetFileName(file)));
        Assert.Contains($"bimetal build {folder.Path}", await FailAsync(folder.Path), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WrongKindOfFile_IsNamed()
    {
        string file = Guest.Write("plugin.txt", "x"u8);
        Assert.Equal($"{file}: plugin p runs on wasm, which takes a .wasm file, a plugin folder or a .bimetal file", await FailAsync(file));
    }

    [Fact]
    public async Task Cancelled_IsNotALoadError()
    {
        var config = new PluginConfig { Name = "p", Bundle = Guest.Script };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => PluginLoader.LoadAsync(config, new PluginHostServices(), new CancellationToken(true)));
    }

    [Fact]
    public async Task RandomAtStart_MakesInstancesShared_UnlessToldOtherwise()
    {
        string file = Guest.FromWat("random.wasm", """
            (module
              (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
              (memory (export "memory") 1)
              (func (export "proxy_abi_version_0_2_1"))
              (func (export "_initialize") (drop (call $random (i32.const 0) (i32.const 8)))))
            """);
        var log = new TestLog();
        await using (await ScriptPlugin.LoadAsync("", bundle: file, log: log))
            Assert.Contains("runs as instance: shared", Assert.Single(log.LinesAt(PluginLogLevel.Warn)), StringComparison.Ordinal);
        log.Clear();
        await using (await ScriptPlugin.LoadAsync("", InstancePolicy.PerRequest, bundle: file, log: log))
            Assert.Contains("go on from the same ones", Assert.Single(log.LinesAt(PluginLogLevel.Warn)), StringComparison.Ordinal);
    }

    [Fact]
    public void Instance_ByDefault_FollowsTheTrust()
    {
        var config = new PluginConfig { Name = "p", Bundle = "p.wasm" };
        Assert.Equal(InstancePolicy.PerRequest, config.EffectiveInstance);
        Assert.Equal(InstancePolicy.Shared, (config with { Trust = Trust.FirstParty }).EffectiveInstance);
        Assert.Equal(InstancePolicy.Shared, (config with { Instance = InstancePolicy.Shared }).EffectiveInstance);
        Assert.Equal(InstancePolicy.PerRequest, (config with { Trust = Trust.FirstParty, Instance = InstancePolicy.PerRequest }).EffectiveInstance);
    }

    private static async Task<string> FailAsync(string bundle)
    {
        var config = new PluginConfig { Name = "p", Bundle = bundle, Limits = new PluginLimits { Start = TimeSpan.FromMilliseconds(200) } };
        var error = await Assert.ThrowsAsync<PluginLoadException>(
            () => PluginLoader.LoadAsync(config, new PluginHostServices { Engine = Guest.Engine }, TestContext.Current.CancellationToken));
        return error.Message;
    }
}
