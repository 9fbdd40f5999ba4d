// The code cache gives back exactly what was stored, or nothing.

using Bimetal.Testing;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler.Cache;

namespace Bimetal.Wasm.Compiler.Tests;

public sealed class CodeCacheTests : IDisposable
{
    private const string Program = "(module (func (export \"f\") (result i32) (i32.const 41)))";
    private static readonly string Key = CacheKey.Of("a test");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_AfterWrite_GivesTheContent()
    {
        var cache = Cache();
        Assert.Null(cache.TryRead(Key));
        Assert.True(cache.Write(Key, "content"u8));
        Assert.Equal("content"u8.ToArray(), Cache().TryRead(Key));
        Assert.Null(cache.TryRead(CacheKey.Of("another")));
    }

    [Fact]
    public void Read_OfEntryWithAnyByteChanged_GivesNothingAndRemovesIt()
    {
        var cache = Cache();
        cache.Write(Key, "content"u8);
        byte[] good = File.ReadAllBytes(cache.PathOf(Key));
        for (int position = 0; position < good.Length; position++)
        {
            byte[] bad = [.. good];
            bad[position] ^= 0x10;
            File.WriteAllBytes(cache.PathOf(Key), bad);
            Assert.Null(cache.TryRead(Key));
            Assert.False(File.Exists(cache.PathOf(Key)));
        }
    }

    [Fact]
    public void Read_OfTruncatedOrExtendedEntry_GivesNothing()
    {
        var cache = Cache();
        cache.Write(Key, "content"u8);
        byte[] good = File.ReadAllBytes(cache.PathOf(Key));
        for (int length = 0; length < good.Length; length++)
        {
            File.WriteAllBytes(cache.PathOf(Key), good[..length]);
            Assert.Null(cache.TryRead(Key));
        }

        File.WriteAllBytes(cache.PathOf(Key), [.. good, 0]);
        Assert.Null(cache.TryRead(Key));
    }

    [Fact]
    public void Read_OfEntryUnderAnotherName_GivesNothing()
    {
        var cache = Cache();
        cache.Write(Key, "content"u8);
        string other = CacheKey.Of("another");
        File.Move(cache.PathOf(Key), cache.PathOf(other));
        Assert.Null(cache.TryRead(other));
    }

    [Fact]
    public void Folder_ThatOthersCanWrite_IsNotUsed()
    {
        var cache = Cache();
        cache.Write(Key, "content"u8);
        File.SetUnixFileMode(cache.Folder, File.GetUnixFileMode(cache.Folder) | UnixFileMode.OtherWrite);
        Assert.Null(cache.TryRead(Key));
        Assert.False(cache.Write(Key, "content"u8));
    }

    [Fact]
    public void Write_ToImpossibleFolder_SaysSoAndDoesNotThrow() =>
        Assert.False(new CodeCache(Path.Combine(_folder.Write("file", "x"), "below")).Write(Key, "content"u8));

    [Fact]
    public void Write_AboveCapacity_RemovesTheOldest()
    {
        byte[] content = new byte[1000];
        var cache = new CodeCache(Path.Combine(_folder.Path, "cache"), capacityBytes: 3500);
        string[] keys = [.. Enumerable.Range(0, 5).Select(number => CacheKey.Of($"{number}"))];
        for (int index = 0; index < keys.Length; index++)
        {
            cache.Write(keys[index], content);
            if (File.Exists(cache.PathOf(keys[index]))) File.SetLastWriteTimeUtc(cache.PathOf(keys[index]), DateTime.UtcNow.AddHours(index - 10));
        }

        Assert.Equal([false, false, true, true, true], keys.Select(key => File.Exists(cache.PathOf(key))));
    }

    [Fact]
    public void Write_ByManyThreads_NeverShowsAMixture()
    {
        byte[][] contents = [.. Enumerable.Range(1, 4).Select(number => Enumerable.Repeat((byte)number, 50_000).ToArray())];
        Cache().Write(Key, contents[0]);
        Parallel.For(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 4 }, index =>
        {
            var cache = Cache();
            if (index % 2 == 0) Assert.True(cache.Write(Key, contents[index % 4]));
            else if (cache.TryRead(Key) is { } content) Assert.True(content.Length == 50_000 && content.AsSpan().Count(content[0]) == content.Length);
        });
        Assert.NotNull(Cache().TryRead(Key));
        Assert.Single(Directory.GetFiles(Cache().Folder));
    }

    [Fact]
    public void Compile_Twice_ReadsTheSecondFromTheCache()
    {
        var first = Compile(Compiling.Options);
        var second = Compile(Compiling.Options);
        Assert.False(first.FromCache);
        Assert.True(second.FromCache);
        Assert.Equal(first.Key, second.Key);
        Assert.Equal(first.Bytes.ToArray(), second.Bytes.ToArray());
    }

    [Fact]
    public void Compile_AfterEntryWasDamaged_MakesItAgain()
    {
        var first = Compile(Compiling.Options);
        string path = Cache().PathOf(first.Key);
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        var second = Compile(Compiling.Options);
        Assert.False(second.FromCache);
        Assert.Equal(first.Bytes.ToArray(), second.Bytes.ToArray());
        Assert.True(Compile(Compiling.Options).FromCache);
    }

    [Fact]
    public void Key_DependsOnEveryOption()
    {
        var module = Compiling.Module(Program);
        CompileOptions[] options =
        [
            Compiling.Options,
            Compiling.Options with { Target = TargetPlatform.LinuxArm64 },
            Compiling.Options with { Cpu = "x86-64-v3" },
            Compiling.Options with { Mode = CompileMode.Relaxed },
            Compiling.Options with { Bounds = BoundsMode.Explicit },
            Compiling.Options with { Interrupt = InterruptMode.Poll },
            Compiling.Options with { Quick = true },
            Compiling.Options with { MaskIndices = false },
            Compiling.Options with { CheckStack = false },
            Compiling.Options with { MarkWrites = true },
            Compiling.Options with { KeepSymbols = true },
            Compiling.Options with { Locations = false },
        ];
        Assert.Equal(options.Length, options.Select(option => CacheKey.OfImage([module], option, "19")).Distinct().Count());
        Assert.Equal(typeof(CompileOptions).GetProperties().Length + 1, options.Length);
        Assert.NotEqual(CacheKey.OfImage([module], Compiling.Options, "19"), CacheKey.OfImage([module], Compiling.Options, "19.1"));
        Assert.NotEqual(CacheKey.OfImage([module], Compiling.Options, "19"), CacheKey.OfImage([module, module], Compiling.Options, "19"));
    }

    [Fact]
    public async Task Compile_BySeveralAtOnce_HappensOnce()
    {
        var images = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Compile(Compiling.Options))));
        Assert.All(images, image => Assert.Equal(images[0].Bytes.ToArray(), image.Bytes.ToArray()));
        Assert.Single(images, image => !image.FromCache);
        Assert.DoesNotContain(Directory.GetFiles(Cache().Folder), file => file.EndsWith(CodeCache.UnfinishedSuffix, StringComparison.Ordinal));
    }

    [Fact]
    public void Turn_ThatSomebodyElseHas_IsWaitedForAndThenGivenUp()
    {
        using var first = CompilationTurn.Wait(Cache(), Key, TimeSpan.Zero, CancellationToken.None);
        Assert.NotNull(first);
        Assert.Null(CompilationTurn.Wait(Cache(), Key, TimeSpan.FromMilliseconds(50), CancellationToken.None));
        first.Dispose();
        using var second = CompilationTurn.Wait(Cache(), Key, TimeSpan.Zero, CancellationToken.None);
        Assert.NotNull(second);
        Assert.Null(CompilationTurn.Wait(new CodeCache("/proc/nowhere"), Key, TimeSpan.FromMinutes(1), CancellationToken.None));
    }

    [Fact]
    public async Task Turn_LetGoWhileOthersTry_IsNeverTakenForAFolderWithoutLocks()
    {
        var refused = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Enumerable.Range(0, 1000).Count(_ => !TookTurn()))));
        Assert.Equal(0, refused.Sum());
    }

    private bool TookTurn()
    {
        using var turn = CompilationTurn.Wait(Cache(), Key, TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        return turn is not null;
    }

    private CodeCache Cache() => new(Path.Combine(_folder.Path, "cache"));

    private CompiledImage Compile(CompileOptions options) =>
        new ModuleCompiler(Cache()).Compile([Compiling.Module(Program)], options, TestContext.Current.CancellationToken);
}
